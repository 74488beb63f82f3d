# Completions of easy-bhyve and of its links, for tcsh(1), which itself lists files behind ~ and $.
complete easy-bhyve 'c@--config=@f@' 'C@[~$]*@f@' 'p,*,`@PROGRAM@ complete --line tcsh`,'
complete '*/easy-bhyve' 'c@--config=@f@' 'C@[~$]*@f@' 'p,*,`@PROGRAM@ complete --line tcsh`,'
foreach easy_bhyve_link (`@PROGRAM@ complete --links`)
    complete $easy_bhyve_link 'c@--config=@f@' 'C@[~$]*@f@' 'p,*,`@PROGRAM@ complete --line tcsh`,'
    complete "*/$easy_bhyve_link" 'c@--config=@f@' 'C@[~$]*@f@' 'p,*,`@PROGRAM@ complete --line tcsh`,'
end
unset easy_bhyve_link

# Completions of easy-bhyve and of its links, for tcsh(1).
complete easy-bhyve 'p,*,`@PROGRAM@ complete --line tcsh`,'
complete '*/easy-bhyve' 'p,*,`@PROGRAM@ complete --line tcsh`,'
foreach easy_bhyve_link (`@PROGRAM@ complete --links`)
    complete $easy_bhyve_link 'p,*,`@PROGRAM@ complete --line tcsh`,'
    complete "*/$easy_bhyve_link" 'p,*,`@PROGRAM@ complete --line tcsh`,'
end
unset easy_bhyve_link

# Completions of easy-bhyve and of its links, for tcsh(1).
set easy_bhyve_files=(n,--config,f, n,--cd,f, n,--file,f, C,/,f, C,./,f,)
complete easy-bhyve $easy_bhyve_files:q 'p,*,`@PROGRAM@ complete`,'
complete '*-@VERB@' $easy_bhyve_files:q 'p,*,`@PROGRAM@ complete`,'
unset easy_bhyve_files

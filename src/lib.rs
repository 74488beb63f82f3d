//! VMs under FreeBSD's bhyve, handled like ordinary commands.

//! The `boost-dashboard` binary.

use std::process::ExitCode;

/// Request handling allocates many small things from many threads.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Lets memory go back to the system as soon as it is free. After ten milliseconds, as mimalloc has it,
/// a large request holds half as much again as it needs, and an idle server what the last one took.
#[expect(unsafe_code, reason = "mimalloc's options have no safe form")]
fn keep_no_free_memory() {
    /// `mi_option_purge_delay`, in milliseconds; the crate does not name it.
    const PURGE_DELAY: libmimalloc_sys::mi_option_t = 15;
    // SAFETY: it sets a number, before there is a second thread. `MIMALLOC_PURGE_DELAY` overrides it.
    unsafe { libmimalloc_sys::mi_option_set_default(PURGE_DELAY, 0) };
}

fn main() -> ExitCode {
    keep_no_free_memory();
    match boost_dashboard::cli::run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

//! What a panic does: it ends the agent, and with it the sandbox.
//!
//! Nothing is printed, since there is nowhere to print. In a build of the whole workspace other
//! crates turn on features that link the standard library, which brings a panic handler of its own;
//! such an executable is for tests, and a panic aborts it all the same.

isobar_boundary::without_std! {
    #[panic_handler]
    fn panicked(_: &core::panic::PanicInfo<'_>) -> ! {
        super::call::exit(isobar_init::End::Panicked.code())
    }
}

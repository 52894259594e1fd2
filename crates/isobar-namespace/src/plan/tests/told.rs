//! What a person is told where no test can stage the host: one of the snapshots that the command
//! line's suite keeps for each code.

use isobar_policy::{Clause, Code, Diagnostic, Privilege};

use super::super::plan;
use super::world::{Lack, empty_request, host, set};

/// The memory controller of the machine that runs the tests may count swap.
#[test]
fn swap_that_nothing_bounds() {
    let mut request = empty_request();
    set(&mut request, Clause::Memory);
    let facts = host(Privilege::Root, Lack::SwapAccounting);
    let refusals = plan(&request, &facts).expect_err("the limit would not hold");
    let [one] = refusals.as_slice() else { panic!("one reason: {refusals:?}") };
    insta::with_settings!({
        prepend_module_to_snapshot => false,
        omit_expression => true,
        snapshot_path => "../../../../isobar/tests/cli/snapshots",
    }, {
        insta::assert_snapshot!(Code::HostSwap.as_str(), Diagnostic::from(one).render(false));
    });
}

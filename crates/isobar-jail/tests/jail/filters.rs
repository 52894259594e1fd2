//! Both filters load into the kernel, and answer the reserved call with their own digest.

use isobar_jail::Confinement;
use isobar_os::raw;
use isobar_os::seccomp::{DeniedAnswer, Filter, FilterRequest, PROBE_CALL, ProcessRule, assemble};

use crate::inside::{alone, is_inside, say, start, wait};

fn filter(processes: ProcessRule) -> Filter {
    assemble(&FilterRequest { processes, denied: DeniedAnswer::Errno })
}

#[test]
fn the_kernel_takes_both_filters_and_each_answers_for_itself() {
    if is_inside() {
        say(&raw::seccomp_probe(PROBE_CALL).to_string());
        // A neighbour of the reserved number is no part of the answer.
        say(&raw::seccomp_probe(PROBE_CALL + 1).to_string());
        return wait();
    }
    let _alone = alone();
    let filters = [filter(ProcessRule::Any), filter(ProcessRule::SelfOnly)];
    assert_ne!(filters[0].probe_errno(), filters[1].probe_errno(), "the answers tell them apart");
    for filter in filters {
        let expected = filter.probe_errno().to_string();
        let late = Confinement { enforce: true, filter: Some(filter), ..Confinement::default() };
        let name = "filters::the_kernel_takes_both_filters_and_each_answers_for_itself";
        let mut inside = start(name, late);
        assert_eq!(inside.hear(), expected, "the errno of this filter's digest");
        assert_eq!(inside.hear(), "38", "ENOSYS for what nobody reserved");
        inside.end();
    }
}

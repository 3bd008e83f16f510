//! Plans: what should have been done against what was.

use glpft_agent::Plan;
use maud::{Markup, html};

use super::number::{count, percent};
use crate::report::Confusion;

/// The confusion matrix as a table whose cells are the darker the more of their row they hold.
pub(super) fn matrix(confusion: &Confusion) -> Markup {
    html! {
        div.scroll tabindex="0" {
            table.matrix {
                caption { "Plans: the reference's (rows) against the predicted (columns)" }
                thead {
                    tr {
                        td {}
                        @for plan in Plan::ALL { th scope="col" { (name(plan)) } }
                    }
                }
                tbody {
                    @for reference in Plan::ALL {
                        @let row = confusion.get(reference);
                        @let all = Plan::ALL.iter().map(|&plan| row.get(plan)).sum::<u64>();
                        tr {
                            th scope="row" { (name(reference)) }
                            @for predicted in Plan::ALL {
                                @let share = row.get(predicted) as f64 / all.max(1) as f64;
                                @let class = if predicted == reference { "heat same" } else { "heat" };
                                td class=(class) style={ "--share:" (percent(share)) "%" } {
                                    span.heat-count { (count(row.get(predicted))) }
                                    @if all > 0 { span.heat-share { (percent(share)) " %" } }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn name(plan: Plan) -> &'static str {
    match plan {
        Plan::Call => "call",
        Plan::Finish => "finish",
        Plan::GiveUp => "give up",
    }
}

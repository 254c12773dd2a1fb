//! INFO's section Reactor, which no other server has: what the turns of the loop cost, phase by phase, and which were long
//! and why. docs/reading-the-loop.md explains each field. What is told is measured in reactor/gauge.rs.
use super::sections::{World, field};
use crate::base::histogram::Histogram;
use crate::server::turns::Stall;

pub fn reactor(world: &World, to: &mut String) {
    let stats = &world.server.stats;
    let turns = &stats.turns_of_loop;
    let us_per_tick = 1000.0 / world.ticks_per_ms.max(1) as f64;
    let us = |ticks: u64| ticks as f64 * us_per_tick;
    field(to, "turns", stats.turns);
    field(to, "poll_usec", format!("{:.0}", us(turns.poll_ticks)));
    field(to, "work_usec", format!("{:.0}", us(turns.work_ticks)));
    field(to, "busy_poll_spent_usec", stats.busy_poll_us);
    field(to, "busy_poll_sleeps_saved", stats.busy_poll_hits);
    field(to, "busy_poll_misses", stats.busy_poll_misses);
    field(to, "partial_reads", stats.partial_reads);
    field(to, "partial_writes", stats.partial_writes);
    field(to, "turns_sampled", turns.sampled);
    let counts = [
        ("events", &turns.events),
        ("commands", &turns.commands),
        ("bytes_in", &turns.bytes_in),
        ("bytes_out", &turns.bytes_out),
    ];
    for (name, histogram) in counts {
        field(to, &format!("turn_{name}"), percentiles(histogram, |number| number.to_string()));
        field(to, &format!("turn_{name}_histogram"), buckets(histogram, 1.0));
    }
    let phases = [
        ("poll", &turns.poll),
        ("read", &turns.read),
        ("parse", &turns.parse),
        ("run", &turns.run),
        ("write", &turns.write),
        ("timers", &turns.timers),
        ("work", &turns.work),
    ];
    for (name, histogram) in phases {
        field(to, &format!("turn_{name}_usec"), percentiles(histogram, |ticks| format!("{:.2}", us(ticks))));
        field(to, &format!("turn_{name}_usec_histogram"), buckets(histogram, us_per_tick));
    }
    if let Some(longest) = &turns.longest {
        field(to, "longest_turn", tell(longest));
    }
    field(to, "stalls", turns.stalls);
    for (number, stall) in turns.log.iter().enumerate() {
        field(to, &format!("stall{number}"), tell(stall));
    }
}

fn percentiles(histogram: &Histogram, show: impl Fn(u64) -> String) -> String {
    let named = [("p50", 50.0), ("p99", 99.0), ("p99.9", 99.9), ("max", 100.0)];
    named.map(|(name, percent)| format!("{name}={}", show(histogram.percentile(percent).unwrap_or(0)))).join(",")
}

/// How many turns had so much at most, for each power of two up to which there are more than up to the one before.
fn buckets(histogram: &Histogram, unit: f64) -> String {
    let (mut buckets, mut sum): (Vec<(f64, u64)>, u64) = (vec![], 0);
    for (number, count) in histogram.iter() {
        let bound = if number == 0 { 0.0 } else { (number as f64 * unit).log2().ceil().max(-5.0).exp2() };
        sum += count;
        match buckets.last_mut() {
            Some((last, all)) if *last == bound => *all = sum,
            _ => buckets.push((bound, sum)),
        }
    }
    buckets.iter().map(|(bound, sum)| format!("{bound}={sum}")).collect::<Vec<_>>().join(",")
}

fn tell(stall: &Stall) -> String {
    let Stall { at_s, took_us, cause, command, commands, events, expired, kernel, .. } = stall;
    let command =
        command.map_or(String::new(), |(name, us)| format!(",command={},command_usec={us}", name.to_lowercase()));
    format!(
        "at={at_s},usec={took_us},cause={}{command},commands={commands},events={events},expired={expired},\
         minor_faults={},major_faults={},taken_away={},off_core_usec={}",
        cause.name(),
        kernel.minor_faults,
        kernel.major_faults,
        kernel.taken_away,
        kernel.off_core_us,
    )
}

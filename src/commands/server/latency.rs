//! LATENCY: what took longer than `latency-monitor-threshold`, by kind of event; and how long each command took, as a
//! histogram. `server::latency` keeps the samples, `server::stats` the histograms.
use crate::base::histogram::Histogram;
use crate::commands::prelude::*;
use crate::server::latency::Events;
use std::fmt::Write;

// --- LATENCY subcommand [argument ...]
form! { pub Latency<'a> { subcommand: Bytes<'a>, arguments: Any<'a, Bytes<'a>> } }
impl<'a> Command<'a> for Latency<'a> {
    const FACTS: Facts = facts("LATENCY", "server", "2.8.13", 0, "Holds the commands that tell what took long.");
    fn run(self, _: &mut Context) -> Ran {
        unreachable!("a container does not run")
    }
}

const MONITORS: u32 = ADMIN | NOSCRIPT | LOADING | STALE;
const OF_EACH_NODE: &[&str] = &["nondeterministic_output", "request_policy:all_nodes", "response_policy:special"];

// --- LATENCY DOCTOR
form! { pub LatencyDoctor {} }
impl<'a> Command<'a> for LatencyDoctor {
    const FACTS: Facts =
        facts("LATENCY|DOCTOR", "server", "2.8.13", MONITORS, "Sums up what took long.").hint(OF_EACH_NODE);
    fn run(self, cx: &mut Context) -> Ran {
        let now_s = cx.now_ms() / 1000;
        let text = match cx.server.config.latency_monitor_threshold {
            0 => "Nothing is measured: latency-monitor-threshold is 0. To note what takes 100 ms and more: \
                  CONFIG SET latency-monitor-threshold 100\n"
                .into(),
            threshold if cx.server.latency.iter().len() == 0 => format!("Nothing took {threshold} ms or more.\n"),
            threshold => {
                let mut text =
                    format!("Noted is what took {threshold} ms or more, at most once a second of each kind.\n\n");
                cx.server.latency.iter().for_each(|events| text += &summary(events, now_s));
                text
            }
        };
        cx.reply.verbatim("txt", &text);
        Ok(Outcome::Done)
    }
}

/// A line of figures, and what to look at next.
fn summary(events: &Events, now_s: i64) -> String {
    let Events { name, samples, longest_ms } = events;
    let count = samples.len() as u64;
    let sum: u64 = samples.iter().map(|sample| sample.ms).sum();
    let [least, most] = [samples.iter().map(|sample| sample.ms).min(), samples.iter().map(|sample| sample.ms).max()];
    let ago_s = samples.back().map_or(0, |sample| (now_s - sample.at_s).max(0));
    let next = match *name {
        "command" | "fast-command" => {
            "SLOWLOG GET tells which commands; INFO reactor tells whether the kernel took the core away."
        }
        "expire-cycle" => "many keys, or large ones, expired at the same moment.",
        _ => "INFO reactor tells the longest turns and their causes.",
    };
    format!(
        "{name}: {count} samples of {least} to {most} ms, {mean} ms on average, the last {ago_s} s ago; the longest ever {longest_ms} ms.\n    {next}\n",
        least = least.unwrap_or(0),
        most = most.unwrap_or(0),
        mean = sum / count.max(1),
    )
}

// --- LATENCY GRAPH event
form! { pub LatencyGraph<'a> { event: Bytes<'a> } }
impl<'a> Command<'a> for LatencyGraph<'a> {
    const FACTS: Facts =
        facts("LATENCY|GRAPH", "server", "2.8.13", MONITORS, "Draws what took long of one kind.").hint(OF_EACH_NODE);
    fn run(self, cx: &mut Context) -> Ran {
        let now_s = cx.now_ms() / 1000;
        let Some(events) = cx.server.latency.of(self.event.0) else {
            let event = String::from_utf8_lossy(self.event.0);
            return cx.error(&format!("ERR No samples available for event '{event}'"));
        };
        let text = graph(events, now_s);
        cx.reply.verbatim("txt", &text);
        Ok(Outcome::Done)
    }
}

const ROWS: u64 = 4;
const COLUMNS: usize = 80;

/// The latest samples, oldest on the left: bars, and under each how long ago it was.
fn graph(events: &Events, now_s: i64) -> String {
    let Events { name, samples, longest_ms } = events;
    let shown: Vec<_> = samples.iter().skip(samples.len().saturating_sub(COLUMNS)).collect();
    let low = shown.iter().map(|sample| sample.ms).min().unwrap_or(0);
    let high = shown.iter().map(|sample| sample.ms).max().unwrap_or(0);
    let mut text =
        format!("{name} - high {high} ms, low {low} ms (all time high {longest_ms} ms)\n{}\n", "-".repeat(COLUMNS));
    // The lowest is one line of the last row, the highest fills all rows.
    let height = |ms: u64| if high == low { 1 } else { (ms - low) * (2 * ROWS - 1) / (high - low) + 1 };
    for row in (0..ROWS).rev() {
        let bars = shown.iter().map(|sample| match height(sample.ms).saturating_sub(2 * row) {
            0 => ' ',
            1 => '_',
            _ => '#',
        });
        let line: String = bars.collect();
        writeln!(text, "{}", line.trim_end()).expect("a string takes what is written");
    }
    let ages: Vec<Vec<char>> = shown.iter().map(|sample| age(now_s - sample.at_s).chars().collect()).collect();
    text.push('\n');
    for at in 0..ages.iter().map(Vec::len).max().unwrap_or(0) {
        let line: String = ages.iter().map(|age| age.get(at).copied().unwrap_or(' ')).collect();
        writeln!(text, "{}", line.trim_end()).expect("a string takes what is written");
    }
    text
}

fn age(seconds: i64) -> String {
    match seconds.max(0) {
        seconds @ 0..60 => format!("{seconds}s"),
        seconds @ 60..3600 => format!("{}m", seconds / 60),
        seconds @ 3600..86_400 => format!("{}h", seconds / 3600),
        seconds => format!("{}d", seconds / 86_400),
    }
}

// --- LATENCY HELP
form! { pub LatencyHelp {} }
impl<'a> Command<'a> for LatencyHelp {
    const FACTS: Facts = facts("LATENCY|HELP", "server", "2.8.13", LOADING | STALE, "Shows these lines.");
    fn run(self, cx: &mut Context) -> Ran {
        help("LATENCY", cx)
    }
}

// --- LATENCY HISTOGRAM [command [command ...]]
form! { pub LatencyHistogram<'a> { command: Any<'a, Bytes<'a>> } }
impl<'a> Command<'a> for LatencyHistogram<'a> {
    const FACTS: Facts =
        facts("LATENCY|HISTOGRAM", "server", "7.0.0", MONITORS, "Tells how long commands took, in powers of two.")
            .hint(OF_EACH_NODE);
    /// A container stands for its subcommands.
    fn run(self, cx: &mut Context) -> Ran {
        let mut wanted: Vec<&Entry> = vec![];
        for name in self.command.iter() {
            let Some(entry) = cx.table.named(name.0) else { continue };
            wanted.extend(Some(entry).into_iter().chain(cx.table.subcommands(entry)));
        }
        if self.command.is_empty() {
            wanted.extend(cx.table.entries);
        }
        let ns_per_tick = 1e6 / cx.host.ticks_per_ms().max(1) as f64;
        let stats = &cx.server.stats.commands;
        let of = |entry: &&Entry| Some((entry.lower_name(), stats[entry.index as usize].took.as_ref()?));
        let found: Vec<(String, &Histogram)> = wanted.iter().filter_map(of).collect();
        cx.reply.map(found.len());
        for (name, took) in found {
            let powers = in_powers_of_two(took, ns_per_tick);
            cx.reply.text(&name);
            cx.reply.map(2);
            cx.reply.text("calls");
            cx.reply.integer(took.count() as i64);
            cx.reply.text("histogram_usec");
            cx.reply.map(powers.len());
            for (us, count) in powers {
                cx.reply.integer(us);
                cx.reply.integer(count as i64);
            }
        }
        Ok(Outcome::Done)
    }
}

/// How many took so many microseconds at most. Redis's steps double from 1,024 ns on, and are told in whole microseconds,
/// of the largest number that Redis does not tell apart from them.
fn in_powers_of_two(took: &Histogram, ns_per_tick: f64) -> Vec<(i64, u64)> {
    let mut powers: Vec<(u32, u64)> = vec![];
    let mut sum = 0;
    for (ticks, count) in took.iter() {
        let power = ((ticks as f64 * ns_per_tick) as u64).next_power_of_two().ilog2().max(10);
        sum += count;
        match powers.last_mut() {
            Some((last, all)) if *last == power => *all = sum,
            _ => powers.push((power, sum)),
        }
    }
    powers.into_iter().map(|(power, sum)| ((((1i64 << power) + (1 << (power - 7)) - 1) / 1000), sum)).collect()
}

// --- LATENCY HISTORY event
form! { pub LatencyHistory<'a> { event: Bytes<'a> } }
impl<'a> Command<'a> for LatencyHistory<'a> {
    const FACTS: Facts = facts(
        "LATENCY|HISTORY",
        "server",
        "2.8.13",
        MONITORS,
        "Tells when something of one kind took long, and how long.",
    )
    .hint(OF_EACH_NODE);
    fn run(self, cx: &mut Context) -> Ran {
        let (latency, reply) = (&cx.server.latency, &mut cx.reply);
        let Some(events) = latency.of(self.event.0) else {
            reply.array(0);
            return Ok(Outcome::Done);
        };
        reply.array(events.samples.len());
        for sample in &events.samples {
            reply.array(2);
            reply.integer(sample.at_s);
            reply.integer(sample.ms as i64);
        }
        Ok(Outcome::Done)
    }
}

// --- LATENCY LATEST
form! { pub LatencyLatest {} }
impl<'a> Command<'a> for LatencyLatest {
    const FACTS: Facts =
        facts("LATENCY|LATEST", "server", "2.8.13", MONITORS, "Tells what of each kind took long last.")
            .hint(OF_EACH_NODE);
    /// The name, when it was and how long it took, and the longest of all times.
    fn run(self, cx: &mut Context) -> Ran {
        let (latency, reply) = (&cx.server.latency, &mut cx.reply);
        reply.array(latency.iter().len());
        for events in latency.iter() {
            let last = events.samples.back().expect("there is at least one");
            reply.array(4);
            reply.text(events.name);
            reply.integer(last.at_s);
            reply.integer(last.ms as i64);
            reply.integer(events.longest_ms as i64);
        }
        Ok(Outcome::Done)
    }
}

// --- LATENCY RESET [event [event ...]]
form! { pub LatencyReset<'a> { event: Any<'a, Bytes<'a>> } }
impl<'a> Command<'a> for LatencyReset<'a> {
    const FACTS: Facts = facts("LATENCY|RESET", "server", "2.8.13", MONITORS, "Forgets what took long.")
        .hint(&["request_policy:all_nodes", "response_policy:agg_sum"]);
    fn run(self, cx: &mut Context) -> Ran {
        let latency = &mut cx.server.latency;
        let gone = match self.event.is_empty() {
            true => latency.forget(None),
            false => self.event.iter().map(|event| latency.forget(Some(event.0))).sum(),
        };
        cx.count(gone)
    }
}

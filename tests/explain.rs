//! `spindle explain`, by its pages: tests/explain/*.txt begin with a command line, and the page follows. Every page is text
//! of at most 100 columns, whatever is explained. `UPDATE=1` writes the pages anew: read the difference.

#[path = "support/samples.rs"]
#[allow(dead_code, reason = "shared with the test of the table")]
mod samples;

use samples::{changed, requests, spoiled};
use spindle::base::random::Chance;
use spindle::commands::COMMANDS;
use spindle::engine::Now;
use spindle::explain::{explain, read};
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

const NOW: Now = Now { wall_us: 1_700_000_000_000_000, mono_us: 0 };
const PROMPT: &str = "$ spindle explain ";

fn page(args: &[&str]) -> String {
    let args: Vec<Vec<u8>> = args.iter().map(|arg| arg.as_bytes().to_vec()).collect();
    let bytes = read(&args, &mut &b""[..]).expect("good arguments");
    explain(&bytes, NOW, [7; 32])
}

/// The words of a command line: plain, or in single quotes.
fn arguments(line: &str) -> Vec<&str> {
    let (plain, quoted) = line.split_once('\'').expect("what is explained stands in quotes");
    plain.split_whitespace().chain(quoted.strip_suffix('\'')).collect()
}

#[test]
fn pages() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/explain");
    let mut wrong = vec![];
    let mut count = 0;
    for entry in fs::read_dir(&directory).expect("tests/explain") {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let line = text.lines().next().and_then(|line| line.strip_prefix(PROMPT));
        let line = line.unwrap_or_else(|| panic!("{} begins with {PROMPT}", path.display()));
        let now = format!("{PROMPT}{line}\n\n{}", page(&arguments(line)));
        count += 1;
        if std::env::var_os("UPDATE").is_some() {
            fs::write(&path, now).unwrap();
        } else if now != text {
            wrong.push(format!("{}\nis now\n{now}", path.display()));
        }
    }
    assert!(count >= 12, "only {count} pages");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn fits(page: &str) {
    for line in page.lines() {
        assert!(line.chars().count() <= 100, "{line}");
        assert!(line.chars().all(|c| !c.is_control()) && line == line.trim_end(), "{line:?}");
    }
}

#[test]
fn places_of_the_code_are_there() {
    let page = page(&["SET k v"]);
    let places: Vec<&str> = page.split_whitespace().filter(|word| word.starts_with("src/")).collect();
    assert_eq!(places.len(), 4);
    for place in places {
        assert!(Path::new(env!("CARGO_MANIFEST_DIR")).join(place).is_file(), "{place}");
    }
}

#[test]
fn every_command_can_be_explained() {
    for entry in COMMANDS.entries {
        let good: Vec<String> = requests(entry).iter().map(|line| page_of(line)).collect();
        for page in good {
            fits(&page);
            assert!(page.contains("Typed command") && !page.contains("^"), "{page}");
        }
    }
    let good: Vec<_> = COMMANDS.entries.iter().flat_map(requests).collect();
    let wrong: Vec<_> = COMMANDS.entries.iter().flat_map(spoiled).step_by(7).chain(changed(&good, 1, 1000)).collect();
    for line in wrong {
        let page = page_of(&line);
        fits(&page);
        assert!(page.contains("Typed command") || page.contains("^"), "it shows where it goes wrong:\n{page}");
    }
}

fn page_of(words: &[String]) -> String {
    let words: Vec<Vec<u8>> = words.iter().map(|word| word.as_bytes().to_vec()).collect();
    // One word alone would be a line.
    let words = if words.len() == 1 { vec![[words[0].as_slice(), b"\n"].concat()] } else { words };
    explain(&read(&words, &mut &b""[..]).expect("good arguments"), NOW, [7; 32])
}

/// Whatever stands in the bytes, there is a page.
#[test]
fn any_bytes_can_be_explained() {
    let seed = std::env::var("SPINDLE_SEED").map_or(1, |seed| seed.parse().expect("SPINDLE_SEED is a number"));
    println!("SPINDLE_SEED={seed}");
    let mut chance = Chance::from_seed(seed);
    let good = b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$2\r\nab\r\nGET \"k\"\r\n*2\r\n$3\r\nGET\r\n$1\r\nk\r\n".to_vec();
    for _ in 0..2000 {
        let mut bytes = good.clone();
        for _ in 0..1 + chance.below(3) {
            let at = chance.below(bytes.len() as u64) as usize;
            match chance.below(4) {
                0 => bytes.truncate(at + 1),
                1 => _ = bytes.remove(at),
                2 => bytes.insert(at, b"*$-09\r\n\"' \0\xffa"[chance.below(13) as usize]),
                _ => bytes[at] = chance.below(256) as u8,
            }
            if bytes.is_empty() {
                break;
            }
        }
        fits(&explain(&bytes, NOW, [7; 32]));
    }
}

// --- The built program

fn spindle(args: &[&str], stdin: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_spindle"))
        .arg("explain")
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    // The program may end without reading: then the pipe is closed, and that is no failure.
    let _ = child.stdin.take().expect("a pipe").write_all(stdin);
    child.wait_with_output().expect("the program ends")
}

#[test]
fn the_program_explains_arguments_and_standard_input() {
    let line = "SET user Alejandro EX 20";
    let raw: &[u8] = b"*5\r\n$3\r\nSET\r\n$4\r\nuser\r\n$9\r\nAlejandro\r\n$2\r\nEX\r\n$2\r\n20\r\n";
    for (args, stdin) in [
        (&[line][..], &b""[..]),
        (&["SET", "user", "Alejandro", "EX", "20"], b""),
        (&["-"], line.as_bytes()),
        (&["--raw", "-"], raw),
    ] {
        let output = spindle(args, stdin);
        assert!(output.status.success() && output.stderr.is_empty(), "{args:?}");
        assert_eq!(String::from_utf8_lossy(&output.stdout), page(&[line]), "{args:?}");
    }
    let output = spindle(&[], b"");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(1) && output.stdout.is_empty(), "{stderr}");
    assert!(stderr.starts_with("spindle: usage: spindle explain "), "{stderr}");
}

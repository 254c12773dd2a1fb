//! Numbers as text, there and back, beside what Redis takes and prints.
use super::*;

#[test]
fn digits_are_found_together() {
    let mut numbers: Vec<i64> = (0..=8).flat_map(|n| [10i64.pow(n) - 1, 10i64.pow(n), 10i64.pow(n) + 1]).collect();
    numbers.extend((0..if cfg!(miri) { 100 } else { 100_000 }).map(|n| n * 7919 % 100_000_007));
    for number in numbers {
        let found = up_to_eight_digits(number).map(|(digits, count)| digits.to_le_bytes()[..count].to_vec());
        let expected = number.to_string().into_bytes();
        assert_eq!(found, Some(expected).filter(|_| (1..100_000_000).contains(&number)), "{number}");
        let (digits, count) = up_to_eight_digits(number).unwrap_or((0, 0));
        assert!(count == 8 || digits >> (8 * count) == 0, "nothing behind them");
    }
    assert_eq!(up_to_eight_digits(-1), None);
}

#[test]
fn integers_have_one_form() {
    for (text, number) in [
        ("0", Some(0)),
        ("7", Some(7)),
        ("-1", Some(-1)),
        ("1234567890", Some(1_234_567_890)),
        ("9223372036854775807", Some(i64::MAX)),
        ("-9223372036854775808", Some(i64::MIN)),
        ("9223372036854775808", None),
        ("-9223372036854775809", None),
        ("9999999999999999999", None),
        ("18446744073709551616", None),
        ("10000000000000000000000", None),
        ("", None),
        ("-", None),
        ("-0", None),
        ("+1", None),
        ("00", None),
        ("01", None),
        ("-01", None),
        ("--1", None),
        (" 1", None),
        ("1 ", None),
        ("1\0", None),
        ("1.0", None),
        ("1e3", None),
        ("0x10", None),
        ("12a4", None),
        ("1/", None),
        ("1:", None),
    ] {
        assert_eq!(integer(text.as_bytes()), number, "{text:?}");
    }
}

/// At every length, any byte in any place: std agrees about all that has the one form.
#[test]
fn any_byte_that_is_no_digit_is_seen() {
    for length in 1..=21 {
        for place in 0..length {
            for byte in 0..=255u8 {
                let mut text: Vec<u8> = (0..length).map(|at| b'1' + (at * 7 % 9) as u8).collect();
                text[place] = byte;
                let std = str::from_utf8(&text).ok().and_then(|text| text.parse::<i64>().ok());
                let other_form = text[0] == b'+' || text.starts_with(b"0") && length > 1 || text.starts_with(b"-0");
                assert_eq!(integer(&text), std.filter(|_| !other_form), "{}", text.escape_ascii());
            }
        }
    }
}

#[test]
fn unsigned_integers_have_one_form() {
    for (text, number) in [
        ("0", Some(0)),
        ("9223372036854775808", Some(1 << 63)),
        ("9999999999999999999", Some(9_999_999_999_999_999_999)),
        ("18446744073709551615", Some(u64::MAX)),
        ("18446744073709551616", None),
        ("99999999999999999999", None),
        ("1844674407370955161x", None),
        ("01844674407370955161", None),
        ("118446744073709551615", None),
        ("", None),
        ("-1", None),
        ("00", None),
        ("+1", None),
    ] {
        assert_eq!(unsigned(text.as_bytes()), number, "{text:?}");
    }
}

/// Around every power of two and of ten, what is printed is read back, and reading agrees with std.
#[test]
fn printed_integers_are_read_back() {
    let powers = (0..64).map(|n| 1i64 << n).chain((0..19).map(|n| 10i64.pow(n)));
    for number in powers.flat_map(|p| (-3..=3).flat_map(move |d| [p.wrapping_add(d), p.wrapping_neg().wrapping_add(d)]))
    {
        let mut text = Vec::new();
        print_integer(number, &mut text);
        assert_eq!(integer(&text), Some(number));
        assert_eq!(text, number.to_string().as_bytes());
        text.clear();
        print_unsigned(number as u64, &mut text);
        assert_eq!(unsigned(&text), Some(number as u64));
    }
}

/// Floats as redis-server 8.0.6 took them from ZADD and printed them for ZSCORE (with a skip list).
#[test]
fn floats_read_and_print_as_in_redis() {
    for (text, printed) in [
        ("0", "0"),
        ("-0", "-0"),
        ("-0.0", "-0"),
        ("1", "1"),
        ("+1", "1"),
        ("-1", "-1"),
        ("00012", "12"),
        ("1.", "1"),
        (".5", "0.5"),
        ("-.5", "-0.5"),
        ("+.5", "0.5"),
        ("1e5", "100000"),
        ("1E5", "100000"),
        ("1e+5", "100000"),
        ("1e-5", "0.00001"),
        ("1e00005", "100000"),
        ("0x10", "16"),
        ("0X1P-2", "0.25"),
        ("0x1p4", "16"),
        ("-0x1.8p1", "-3"),
        ("0x.8", "0.5"),
        ("0x1.", "1"),
        ("0x1.p1", "2"),
        ("0x1e5", "485"),
        ("inf", "inf"),
        ("+inf", "inf"),
        ("-inf", "-inf"),
        ("INF", "inf"),
        ("Infinity", "inf"),
        ("-Infinity", "-inf"),
        ("+INFINITY", "inf"),
        ("4e-324", "5e-324"),
        ("0x1p-1074", "5e-324"),
        ("0x1.8p-1075", "5e-324"),
        ("0x1.fffffffffffff7p1023", "1.7976931348623157e+308"),
        ("0x0p99999999999", "0"),
        ("0e99999999999999999999", "0"),
        ("1.7976931348623157e308", "1.7976931348623157e+308"),
        ("2.2250738585072014e-308", "2.2250738585072014e-308"),
        ("2.225073858507201e-308", "2.225073858507201e-308"),
        ("9007199254740993", "9007199254740992"),
        ("9007199254740995", "9007199254740996"),
        ("0x20000000000001", "9007199254740992"),
        ("0x1.00000000000008", "1"),
        ("0x1.00000000000018", "1.0000000000000004"),
        ("0x1.000000000000080000000000000000000000000000000000000001", "1.0000000000000002"),
        ("4611686018427387904", "4611686018427387904"),
        ("-4611686018427387904", "-4611686018427387904"),
        ("4611686018427388928", "4611686018427389000"),
        ("-4611686018427388928", "-4611686018427389000"),
        ("1e18", "1000000000000000000"),
        ("1e19", "1e+19"),
        ("1e20", "1e+20"),
        ("1e21", "1e+21"),
        ("1e22", "1e+22"),
        ("123456789012345680000", "123456789012345680000"),
        ("12345678.5", "12345678.5"),
        ("1234567.25", "1234567.25"),
        ("0.1", "0.1"),
        ("0.01", "0.01"),
        ("0.001", "0.001"),
        ("0.0001", "0.0001"),
        ("0.00001", "0.00001"),
        ("0.000001", "0.000001"),
        ("0.0000001", "1e-7"),
        ("1.5e-5", "0.000015"),
        ("1.5e-6", "1.5e-6"),
        ("1.5e-7", "1.5e-7"),
        ("12e-6", "0.000012"),
        ("123e-6", "0.000123"),
        ("1234e-6", "0.001234"),
        ("1234e-7", "1.234e-4"),
        ("12345e-7", "0.0012345"),
        ("12345e-8", "1.2345e-4"),
        ("0.3", "0.3"),
        ("-0.3", "-0.3"),
        ("3.14", "3.14"),
        ("1e300", "1e+300"),
        ("1.5e300", "1.5e+300"),
        ("1e100", "1e+100"),
        ("12345678901234567", "12345678901234568"),
        ("1e10", "10000000000"),
        ("12.5e10", "125000000000"),
        ("1.5e19", "1.5e+19"),
        ("123e17", "1.23e+19"),
        ("123456e17", "1.23456e+22"),
        ("1234567e17", "1.234567e+23"),
        ("9.5e18", "9.5e+18"),
        ("5e18", "5e+18"),
        ("5.5e18", "5.5e+18"),
        ("1e9", "1000000000"),
        ("17179869184", "17179869184"),
        ("0.1e1", "1"),
        ("0.30000000000000004", "0.30000000000000004"),
        ("123456.789", "123456.789"),
        ("99999999999999.9", "99999999999999.9"),
        // What Grisu2 finds has a digit more than need be, or is not the nearest.
        ("-5e22", "-49999999999999996000000"),
        ("431.5851101322896", "431.58511013228963"),
        ("1016162803204929.8", "1016162803204929.7"),
    ] {
        let number = float(text.as_bytes()).unwrap_or_else(|| panic!("{text} refused"));
        let mut out = Vec::new();
        print_float(number, &mut out);
        assert_eq!(str::from_utf8(&out), Ok(printed), "{text}");
        assert_eq!(float(&out).map(f64::to_bits), Some(number.to_bits()), "{text}");
    }
}

#[test]
fn what_redis_refuses_is_no_float() {
    for text in [
        "",
        " 1",
        "1 ",
        "\t1",
        "1\n",
        "1\0",
        ".",
        "-",
        "+",
        "e5",
        ".e5",
        "+-1",
        "--1",
        "1,5",
        "1.2.3",
        "1_0",
        "1d",
        "1f",
        "1e",
        "1e+",
        "1e5.0",
        "0x",
        "0x.",
        "0xg",
        "0x.p1",
        "0x1p",
        "0x1p+",
        "i",
        "in",
        "infin",
        "nan",
        "-nan",
        "NAN",
        "nan(1)",
        "1e400",
        "-1e400",
        "1e99999999999999999999",
        "1e-400",
        "2e-324",
        "-2e-324",
        "0x1p1024",
        "0x1.fffffffffffff8p1023",
        "0x1p-1075",
        "0x1p-99999999999",
    ] {
        assert_eq!(float(text.as_bytes()), None, "{text:?}");
    }
    assert_eq!(float(b"1\xff"), None);
}

/// What is printed reads back as the same float, plain decimals agree with std, hexadecimals are exact.
#[test]
fn printed_floats_are_read_back() {
    let mut bits = 1u64;
    for _ in 0..20_000 {
        bits = bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let number = f64::from_bits(bits ^ bits >> 29);
        if number.is_nan() {
            continue;
        }
        let mut out = Vec::new();
        print_float(number, &mut out);
        assert_eq!(float(&out).map(f64::to_bits), Some(number.to_bits()), "{}", out.escape_ascii());
        let fraction = number.to_bits() << 12;
        let exponent = (number.to_bits() >> 52 & 0x7ff) as i64 - 1023;
        if number.is_normal() {
            let sign = if number < 0.0 { "-" } else { "" };
            let text = format!("{sign}0x1.{fraction:016x}p{exponent}");
            assert_eq!(float(text.as_bytes()), Some(number), "{text}");
        }
    }
}

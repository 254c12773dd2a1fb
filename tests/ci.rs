//! .ci/run on a machine that lacks something: what was not checked is not called good. The programs are made up.
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

#[test]
fn unsafe_code_that_miri_has_not_seen_is_no_success() {
    let directory = std::env::temp_dir().join(format!("spindle-{}-ci", std::process::id()));
    fs::create_dir_all(&directory).expect("a temporary directory");
    // Neither has Miri, and there is no way to get it.
    for name in ["cargo", "rustup"] {
        let path = directory.join(name);
        fs::write(&path, "#!/bin/sh\necho \"$0 $*\"\nexit 1\n").expect("a file in it");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("it is ours");
    }
    let output = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.ci/run"))
        .arg("unsafe_code")
        .env("PATH", format!("{}:/usr/bin:/bin", directory.display()))
        .output()
        .expect("bash is there");
    fs::remove_dir_all(&directory).expect("it is still ours");
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("rustup toolchain install nightly") && said.contains("MIRI CANNOT BE HAD"), "{said}");
    assert!(said.contains("failed: unsafe_code"), "{said}");
}

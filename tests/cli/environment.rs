//! What a user's shell sets up: the home, colours, threads, and on Unix masks, limits and streams.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::{Outcome, folder, raw_source, read_json};

/// `glpft` with variables of the environment, whatever the test's own are.
fn with(directory: &Path, variables: &[(&str, &str)], arguments: &[&str]) -> Outcome {
    let mut command = Command::new(env!("CARGO_BIN_EXE_glpft"));
    for variable in [
        "NO_COLOR",
        "CLICOLOR",
        "CLICOLOR_FORCE",
        "RAYON_NUM_THREADS",
    ] {
        command.env_remove(variable);
    }
    let command = command.current_dir(directory).args(arguments);
    outcome(command.envs(variables.iter().copied()))
}

/// What a command did.
pub(crate) fn outcome(command: &mut Command) -> Outcome {
    let output = command.output().unwrap();
    Outcome {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

#[test]
#[cfg(unix)]
fn a_tilde_is_the_home_in_every_path() {
    let (home, here) = (folder(), folder());
    raw_source(home.path());
    let home_is = [("HOME", home.path().to_str().unwrap())];
    let prepare = [
        "prepare",
        "~/mine.toml",
        "--quiet",
        "--out=~/runs/one",
        "--set=data.source=~/toolbench",
    ];
    with(
        here.path(),
        &home_is,
        &["recipe", "copy", "sample", "~/mine.toml"],
    )
    .ok();
    with(here.path(), &home_is, &prepare).ok();
    with(here.path(), &home_is, &["data", "inspect", "~/runs/one"]).ok();
    let recipe = fs::read_to_string(home.path().join("runs/one/recipe.toml")).unwrap();
    let source = format!("source = {:?}", home.path().join("toolbench"));
    assert!(recipe.contains(&source), "{recipe}");
    assert_eq!(fs::read_dir(here.path()).unwrap().count(), 0);
}

#[test]
fn colours_are_where_they_are_wanted() {
    let here = folder();
    for (variables, argument, colours) in [
        (&[][..], "--color=auto", false),
        (&[], "--color=always", true),
        (&[("NO_COLOR", "1")], "--color=always", true),
        (&[("CLICOLOR_FORCE", "1")], "--color=auto", true),
        (&[("CLICOLOR_FORCE", "1")], "--color=never", false),
        (
            &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")],
            "--color=auto",
            false,
        ),
    ] {
        // An error of the program's own, and one of its arguments.
        for arguments in [["recipe", "show", "nothing"], ["recipe", "list", "--wrong"]] {
            let all = [&arguments[..], &[argument]].concat();
            let told = with(here.path(), variables, &all);
            assert_eq!(told.code, 2);
            assert_eq!(
                told.err.contains('\u{1b}'),
                colours,
                "{variables:?} {all:?}"
            );
        }
    }
}

#[test]
fn the_environments_number_of_threads_is_taken_unless_the_command_says_one() {
    let here = folder();
    let run = [
        "run",
        "sample",
        "--quiet",
        "--max-steps=1",
        "--set=arrangement=single",
    ];
    for (variables, more, threads) in [
        (&[("OMP_NUM_THREADS", "3,2")][..], "--color=auto", 3),
        (
            &[("OMP_NUM_THREADS", "3"), ("RAYON_NUM_THREADS", "2")],
            "--color=auto",
            2,
        ),
        (&[("RAYON_NUM_THREADS", "2")], "--threads=1", 1),
    ] {
        let out = format!("--out=run-{threads}");
        with(here.path(), variables, &[&run[..], &[&out, more]].concat()).ok();
        let summary = read_json(&here.path().join(format!("run-{threads}/summary.json")));
        assert_eq!(summary["threads"], threads);
    }
}

#[test]
fn what_is_asked_for_is_all_that_the_quiet_ones_write() {
    let here = folder();
    let names = with(here.path(), &[], &["recipe", "list", "-q"]).ok();
    assert!(names.lines().all(|name| !name.contains(' ')), "{names}");
    let shown = with(here.path(), &[], &["recipe", "show", "sample", "--quiet"]).ok();
    assert!(shown.contains("[data]"), "{shown}");
    let valid = ["recipe", "validate", "sample", "world", "--quiet"];
    assert_eq!(with(here.path(), &[], &valid).ok(), "");
    let predictions = here.path().join("predictions.json");
    let step = r#"[{"tools": "[]", "reference": ["a"], "predictions": ["a"]}]"#;
    fs::write(&predictions, step).unwrap();
    let score = ["eval", "score", predictions.to_str().unwrap()];
    let told = with(here.path(), &[], &score);
    assert!(told.code != 0 || !told.out.is_empty());
    assert_eq!(
        with(here.path(), &[], &[&score[..], &["-q"]].concat()).out,
        ""
    );
}

#[cfg(unix)]
mod unix {
    use std::io;
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::process::CommandExt;

    use super::*;

    /// `glpft` after `set` has changed what it inherits.
    fn inheriting(
        directory: &Path,
        arguments: &[&str],
        set: impl Fn() + Send + Sync + 'static,
    ) -> Outcome {
        let mut command = Command::new(env!("CARGO_BIN_EXE_glpft"));
        command.current_dir(directory).args(arguments);
        let set = move || -> io::Result<()> {
            set();
            Ok(())
        };
        // SAFETY: only functions of the system are called between fork and exec.
        unsafe { command.pre_exec(set) };
        outcome(&mut command)
    }

    fn limit(to: u64) -> libc::rlimit {
        libc::rlimit {
            rlim_cur: to,
            rlim_max: to,
        }
    }

    fn check_modes(folder: &Path) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let found = fs::metadata(&path).unwrap();
            let mode = found.permissions().mode() & 0o777;
            match found.is_dir() {
                true => {
                    assert_eq!(mode, 0o750, "{}", path.display());
                    check_modes(&path);
                }
                false => assert_eq!(mode, 0o640, "{}", path.display()),
            }
        }
    }

    #[test]
    fn files_follow_the_umask() {
        let here = folder();
        let run = [
            "run",
            "sample",
            "-q",
            "--max-steps=1",
            "--set=arrangement=single",
            "--out=run",
        ];
        // SAFETY: it changes nothing but the process's mask.
        let masked = || {
            unsafe { libc::umask(0o027) };
        };
        inheriting(here.path(), &run, masked).ok();
        let export = ["export", "run", "--role=global", "--to=model"];
        inheriting(here.path(), &export, masked).ok();
        check_modes(here.path());
    }

    #[test]
    fn limits_of_the_shell_are_errors_that_name_them() {
        let here = folder();
        let prepare = ["prepare", "sample", "-q"];
        // SAFETY: the limits are read, nothing else is touched.
        let told = inheriting(here.path(), &prepare, || unsafe {
            libc::setrlimit(libc::RLIMIT_FSIZE, &limit(20_000));
        });
        told.fails(1, &["ulimit -f"]);
        let told = inheriting(here.path(), &prepare, || unsafe {
            libc::setrlimit(libc::RLIMIT_NOFILE, &limit(5));
        });
        told.fails(1, &["ulimit -n"]);
    }

    #[test]
    fn closed_streams_and_readers_that_leave_are_no_trouble() {
        let here = folder();
        let glpft = env!("CARGO_BIN_EXE_glpft");
        let shell = |script: &str| {
            let mut shell = Command::new("sh");
            shell.current_dir(here.path()).args(["-c", script, glpft]);
            outcome(&mut shell)
        };
        shell("exec \"$0\" prepare sample <&- >&- 2>&-").ok();
        let recipe = fs::read_to_string(here.path().join("runs/sample/recipe.toml")).unwrap();
        assert!(recipe.starts_with("# Resolved") && recipe.contains("[data]"));
        for command in ["recipe show sample", "--help", "data inspect sample --json"] {
            let told = shell(&format!("\"$0\" {command} | head -c 1"));
            assert_eq!((told.out.len(), told.err.as_str()), (1, ""), "{command}");
        }
    }
}

use super::*;

fn of(files: &[(&str, &str)]) -> Crate {
    let mut read = Crate::default();
    for (module, text) in files {
        let module: Module = module.split_terminator("::").map(str::to_owned).collect();
        read.add(&module, text);
    }
    read
}

fn members(files: &[(&str, &str)]) -> Vec<Vec<String>> {
    let circles = of(files).circles();
    circles.into_iter().map(|circle| circle.members).collect()
}

/// The project itself.
#[test]
fn no_modules_use_each_other() {
    if let Err(circles) = check(&crate::root(), &crate::CRATES) {
        panic!("{circles}");
    }
}

#[test]
fn two_siblings_that_use_each_other_are_a_circle() {
    let found = of(&[
        ("", "mod a; mod b;"),
        ("a", "use crate::b::Lower;"),
        ("b", "fn f() { crate::a::upper() }"),
    ])
    .circles();
    assert_eq!(found.len(), 1);
    assert_eq!(
        found[0].describe(),
        "a, b\n    a uses Lower of b\n    b uses upper of a"
    );
}

#[test]
fn a_way_round_about_is_a_circle() {
    let files = [
        ("", ""),
        ("a", "use super::b::B;"),
        ("b", "use super::{c::C, std::X};"),
        ("c", "use super::{a::{A, A2 as Other}};"),
        ("d", "use super::a::A;"),
    ];
    assert_eq!(members(&files), [["a", "b", "c"]]);
}

#[test]
fn a_module_and_its_children_are_none() {
    let files = [
        ("", ""),
        ("a", "mod one; pub use one::One; pub struct Shared;"),
        ("a::one", "use super::Shared;"),
    ];
    assert_eq!(members(&files), Vec::<Vec<String>>::new());
}

/// A child reaches out of its parent: the parent stands for it.
#[test]
fn a_child_counts_for_its_parent() {
    let files = [
        ("", ""),
        ("a", "pub struct A;"),
        ("a::one", "use crate::b::B;"),
        ("b", "use crate::a::A;"),
    ];
    assert_eq!(members(&files), [["a", "b"]]);
}

#[test]
fn a_re_export_counts_for_the_file_that_defines_the_item() {
    let files = [
        ("", "mod a; mod b; mod c; pub use a::A; pub use c::C;"),
        ("a", "use crate::C;"),
        ("b", "use crate::A;"),
        ("c", ""),
    ];
    assert_eq!(members(&files), Vec::<Vec<String>>::new());
    let circle = [files[0], files[1], ("c", "use crate::A;")];
    assert_eq!(members(&circle), [["a", "c"]]);
}

#[test]
fn tests_comments_and_strings_do_not_count() {
    let files = [
        ("", ""),
        ("a", "use crate::b::B;"),
        (
            "b",
            r##"
            // crate::a::A
            /* crate::a::A */
            const S: &str = "crate::a::A \" crate::a::A";
            const R: &str = r#"crate::a::A " "#;
            const Q: char = '"'; const E: char = '\''; struct L<'a>(&'a str);
            #[cfg(test)]
            use crate::a::A;
            pub(in crate::a) fn f() {}
            #[cfg(test)]
            mod tests { use crate::a::A; fn f() { { crate::a::A; } } }
            "##,
        ),
        ("b::tests", "use crate::a::A;"),
    ];
    assert_eq!(members(&files), Vec::<Vec<String>>::new());
    let (_, text) = files[2];
    let after = [
        files[0],
        files[1],
        ("b", &*format!("{text} use crate::a::A;")),
    ];
    assert_eq!(members(&after), [["a", "b"]]);
}

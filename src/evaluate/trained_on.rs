//! Whether what is evaluated stands in the training data.

use std::collections::{BTreeSet, HashSet};
use std::path::Path;

use glpft_data::{
    Conversation, QuerySplits, ReadOptions, Source, SourceError, Split, compared_instructions,
};
use glpft_recipes::{Behaviour, DataRecipe, counted};

use super::read;
use super::recipe::{recipe, run_facts};
use crate::team::TeamSource;

/// How many instructions a warning names.
const NAMED: usize = 3;

/// How many characters it shows of each.
const SHOWN: usize = 100;

/// An instruction of each conversation that one of the recipes trains on, as it is spelled: what users say is compared by its
/// words, as `glpft data overlap` does, whatever the system says before it and wherever in a conversation it stands. What a
/// recipe only validates on is not trained on. All recipes read the source of the first.
///
/// # Errors
/// The source cannot be read.
pub(crate) fn trained_on<'c>(
    conversations: &'c [Conversation],
    recipes: &[&DataRecipe],
) -> Result<Vec<&'c str>, SourceError> {
    let Some(first) = recipes.first() else {
        return Ok(Vec::new());
    };
    let all = conversations.iter().flat_map(compared_instructions);
    let known: HashSet<String> = all.map(|(_, levelled)| levelled).collect();
    let (mut queries, mut seen) = (BTreeSet::new(), Vec::new());
    Source::from_recipe(first)?.read::<SourceError>(
        &ReadOptions::from(*first),
        &mut |_, _| {},
        &mut |record| {
            let conversation = record.conversation;
            for (_, levelled) in compared_instructions(&conversation) {
                if known.contains(&levelled) {
                    seen.push((conversation.query.clone(), levelled, record.extra));
                }
            }
            if !record.extra {
                queries.insert(conversation.query);
            }
            Ok(())
        },
    )?;
    let mut trained: HashSet<&str> = HashSet::new();
    for data in recipes {
        let splits = QuerySplits::new(
            queries.iter().map(String::as_str),
            data.fraction,
            data.validation_fraction,
            data.split_seed,
        );
        let trains = |query: &str, extra: bool| {
            let split = splits.of(query, extra);
            split.is_some_and(|split| split != Split::Validation)
        };
        let of_seed = seen
            .iter()
            .filter(|(query, _, extra)| trains(query, *extra));
        trained.extend(of_seed.map(|(_, instruction, _)| instruction.as_str()));
    }
    let of_each = conversations.iter().filter_map(|one| {
        compared_instructions(one).find(|(_, levelled)| trained.contains(levelled.as_str()))
    });
    Ok(of_each.map(|(spelled, _)| spelled).collect())
}

/// What ought to be told before a run is measured on conversations: that it was trained on some of them, or that this is not
/// known. `None` where neither is so, and where the models are of no run or the conversations cannot be read, which the
/// evaluation says.
pub fn training_overlap(team: &TeamSource, data: &Path) -> Option<String> {
    let run = recipe(team).ok()??;
    let schemas = run_facts(team).ok()?.schemas;
    let conversations = read(data, Behaviour::Fixed, schemas).ok()?.conversations;
    let both = match trained_on(&conversations, &[&run.data]) {
        Ok(both) if both.is_empty() => return None,
        Ok(both) => both,
        Err(error) => {
            return Some(format!(
                "it is not known whether the run was trained on what it is measured on: {error}"
            ));
        }
    };
    let first: Vec<String> = both.iter().take(NAMED).map(|one| shown(one)).collect();
    Some(format!(
        "{} of {} of {} ask for what the run was trained on ({}), such as {}; what is measured on them tells \
         nothing about new instructions",
        both.len(),
        counted(conversations.len(), "conversation", "conversations"),
        data.display(),
        run.data.source_paths(),
        first.join(", ")
    ))
}

/// An instruction, quoted and not too long.
pub(crate) fn shown(instruction: &str) -> String {
    match instruction.char_indices().nth(SHOWN) {
        None => format!("{instruction:?}"),
        Some((end, _)) => format!("{:?}", format!("{}…", &instruction[..end])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_instructions_are_cut() {
        assert_eq!(shown("a\nb"), "\"a\\nb\"");
        assert!(shown(&"ä".repeat(500)).chars().count() < 110);
    }
}

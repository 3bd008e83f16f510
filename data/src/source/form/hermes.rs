//! Hermes function calling: chats whose texts have its [`tags`].

use super::{Form, openai, sharegpt, tags, turns};

pub(super) const FORM: Form = Form {
    name: "Hermes",
    keys: &["conversations", "tools"],
    is: |record| {
        let texts = turns::list(record).iter();
        texts
            .filter_map(|turn| turns::said(turn).1)
            .any(tags::are_in)
    },
    read: |record, options| match turns::are_openai(record.value()) {
        true => openai::read(record, options),
        false => sharegpt::read(record, options),
    },
};

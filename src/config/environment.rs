//! Settings from the environment.

use anyhow::{Context, bail};
use figment::{
    Metadata, Profile, Provider,
    value::{Dict, Map, Num, Value},
};

use super::PREFIX;
use crate::http::problem::nearest;

/// Refuses a key that is no setting, and names the nearest.
pub(super) fn check(key: &str, known: &Dict, show: impl Fn(&str) -> String) -> anyhow::Result<()> {
    if known.contains_key(key) {
        return Ok(());
    }
    let hint = nearest(key, known.keys().map(String::as_str))
        .map_or_else(String::new, |name| format!(" (did you mean `{}`?)", show(name)));
    bail!("unknown setting `{}`{hint}", show(key));
}

/// The environment as a figment provider.
///
/// figment's own guesses types from the text, so that a secret of digits would become a number;
/// here a value is a number or a boolean only if the default is.
pub(super) struct Environment {
    values: Dict,
    /// What was said wrong, and is the default.
    pub(super) warnings: Vec<String>,
}

impl Environment {
    /// The variables that are settings.
    pub(super) fn of(
        variables: impl IntoIterator<Item = (String, String)>,
        known: &Dict,
    ) -> anyhow::Result<Self> {
        let (mut values, mut warnings) = (Dict::new(), Vec::new());
        for (variable, text) in variables {
            let key = match variable.strip_prefix(PREFIX) {
                Some("CONFIG") => continue,
                Some(rest) => rest.to_ascii_lowercase(),
                None if variable == "DATABASE_URL" => "database_url".to_owned(),
                None => continue,
            };
            check(&key, known, |name| format!("{PREFIX}{}", name.to_ascii_uppercase()))
                .context("in the environment")?;
            if text.is_empty() {
                continue;
            }
            let value = match known.get(&key) {
                // The weights: figures for people, no reason for a server not to start.
                Some(Value::Num(_, Num::F64(default))) => match text.parse::<f64>() {
                    Ok(number) if number.is_finite() => Value::from(number),
                    _ => {
                        warnings
                            .push(format!("{variable}: `{text}` is not a number; it is {default}"));
                        continue;
                    }
                },
                Some(Value::Num(..)) => text
                    .parse::<u64>()
                    .map(Value::from)
                    .with_context(|| format!("{variable}: `{text}` is not a whole number"))?,
                Some(Value::Bool(..)) => text
                    .parse::<bool>()
                    .map(Value::from)
                    .with_context(|| format!("{variable}: `{text}` is not `true` or `false`"))?,
                _ => Value::from(text),
            };
            values.insert(key, value);
        }
        Ok(Self { values, warnings })
    }
}

impl Provider for Environment {
    fn metadata(&self) -> Metadata {
        Metadata::named("environment")
    }

    fn data(&self) -> figment::Result<Map<Profile, Dict>> {
        Ok(Map::from([(Profile::Default, self.values.clone())]))
    }
}

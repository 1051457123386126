//! Native PostgreSQL enums as Rust enums: one literal a variant serves SQL, JSON and OpenAPI.

/// Declares a native enum: its Rust name, its diesel SQL type, and each variant with the text that
/// PostgreSQL and JSON both use.
///
/// ```ignore
/// pg_enum! {
///     /// Whether an issue is open.
///     pub enum IssueState: sql_types::IssueState { Open = "open", Closed = "closed" }
/// }
/// ```
#[macro_export]
macro_rules! pg_enum {
    ($(#[$doc:meta])* pub enum $name:ident: $sql:ty { $($variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[derive(diesel::expression::AsExpression, diesel::deserialize::FromSqlRow)]
        #[diesel(sql_type = $sql)]
        #[expect(missing_docs, reason = "each variant is the text that stands beside it")]
        pub enum $name { $($variant),+ }

        impl $name {
            /// Every variant's text, in the order of the type.
            pub const TEXTS: &'static [&'static str] = &[$($text),+];

            /// The text PostgreSQL and JSON use.
            pub const fn text(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// The variant of a text, in any case.
            pub fn parse(text: &str) -> Option<Self> {
                $(if text.eq_ignore_ascii_case($text) { return Some(Self::$variant); })+
                None
            }
        }

        impl diesel::serialize::ToSql<$sql, diesel::pg::Pg> for $name {
            fn to_sql<'b>(
                &'b self,
                out: &mut diesel::serialize::Output<'b, '_, diesel::pg::Pg>,
            ) -> diesel::serialize::Result {
                std::io::Write::write_all(out, self.text().as_bytes())?;
                Ok(diesel::serialize::IsNull::No)
            }
        }

        impl diesel::deserialize::FromSql<$sql, diesel::pg::Pg> for $name {
            fn from_sql(value: diesel::pg::PgValue<'_>) -> diesel::deserialize::Result<Self> {
                let text = std::str::from_utf8(value.as_bytes())?;
                Self::parse(text).ok_or_else(|| format!("unknown {}: {text}", stringify!($name)).into())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.text())
            }
        }

        impl $crate::ingest::register::Field for $name {
            const TYPE: $crate::db::sql::SqlType = $crate::db::sql::SqlType::Text;
            fn cast() -> Option<String> {
                Some($crate::ingest::register::enum_name(stringify!($sql)))
            }
            fn into_value(self) -> $crate::db::sql::Value {
                $crate::db::sql::Value::Text(self.text().to_owned())
            }
        }

        impl $crate::query::column::Served for $name {
            const TYPE: $crate::query::column::Type = $crate::query::column::Type::Enum(Self::TEXTS);
        }
    };
}

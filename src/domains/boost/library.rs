//! The table `boost_library`.

use crate::resource;

resource! {
    /// A Boost library.
    pub struct BoostLibrary, table boost_library, path "/boost/libraries";
    /// Surrogate key.
    id: i64 = boost_library::id, indexed;
    /// Its repository, `boost_library_repository.id`.
    repo_id: i64 = boost_library::repo_id -> boost_library_repository, indexed;
    /// The library's name, unique within its repository only.
    name: String = boost_library::name, indexed;
    /// Whether it was made from a mere mention that matched no known library.
    is_stub: bool = boost_library::is_stub;
}

//! The table `website_word_count`.

use chrono::NaiveDate;

use crate::resource;

resource! {
    /// How often a word was searched for on the website on a day.
    pub struct WebsiteWordCount, table website_word_count,
        path "/website/word-counts", time stat_date;
    /// Surrogate key.
    id: i64 = website_word_count::id, indexed;
    /// The day.
    stat_date: NaiveDate = website_word_count::stat_date, indexed;
    /// The word, lower-case.
    word: String = website_word_count::word, indexed;
    /// Searches on that day.
    count: i64 = website_word_count::count;
}

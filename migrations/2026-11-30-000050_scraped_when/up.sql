-- Whether somebody said when the page was fetched: if not, `scraped_at` is when it first came, and the
-- first time that is said replaces it. Rows of before cannot be told apart; theirs count as said.
alter table boost_doc_content add column is_scraped_at_stated boolean not null default true;

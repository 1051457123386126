alter table boost_doc_content drop column is_scraped_at_stated;

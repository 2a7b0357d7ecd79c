//! Every bound in one place, each with its unit in its name and its reason.
//!
//! What an operator may want to change is in `config` with these as defaults.

/// Largest delivery accepted; Exchange Online messages reach 150 MB and reports
/// are exempt from its size limits.
pub const DELIVERY_BYTES_MAX: u64 = 200 << 20;
/// What the configuration may make of it: RFC 5321 section 4.5.3.1.7, and what
/// a worker's frame holds.
pub const DELIVERY_BYTES_MIN: u64 = 64 << 10;
pub const DELIVERY_BYTES_LIMIT: u64 = 500 << 20;
/// A delivery up to this size is held in memory; a larger one in an encrypted
/// temporary file, and it becomes a segment of its own.
pub const DELIVERY_MEMORY_BYTES_MAX: usize = 8 << 20;
/// Bytes of deliveries in memory over all connections; beyond it, 451.
pub const INGEST_MEMORY_BYTES_MAX: usize = 256 << 20;
/// Room for the largest delivery that is held in memory, while it grows.
pub const INGEST_MEMORY_BYTES_MIN: usize = 16 << 20;
/// Deliveries waiting for the sealer; beyond it, 451.
pub const INGEST_QUEUE_MAX: usize = 4096;
/// A segment is sealed when it holds this much.
pub const SEGMENT_BYTES_MAX: usize = 8 << 20;
/// Records in one segment; bounds the catalog transaction.
pub const SEGMENT_RECORDS_MAX: usize = 1024;
/// Plaintext bytes in one encrypted chunk of a record.
pub const CHUNK_BYTES: usize = 1 << 20;
/// Base64 that says less is kept as it came: taking it out costs 20 bytes.
pub const DECODED_BYTES_MIN: usize = 256;
/// What is smaller lies with its record: a part costs about 150 bytes, and 50 more in
/// each record of another segment.
pub const PART_BYTES_MIN: usize = 4 << 10;
/// The same of text, which packs better beside other text.
pub const PART_LITERAL_BYTES_MIN: u64 = 16 << 10;
/// Stretches of one delivery that are kept decoded, and those of them that are parts;
/// the rest is kept as it came.
pub const PIECES_MAX: usize = 4096;
pub const PARTS_MAX: usize = 256;
/// Parts that the way in remembers; others are asked of the catalog.
pub const PARTS_KNOWN_MAX: usize = 32_768;
/// Parts of one delivery whose segments are opened for them; others are stored again.
pub const PARTS_READ_MAX: usize = 8;

/// The audit and all that people changed is sealed into the bucket this often.
pub const SEAL_EVERY_SECONDS: u64 = 60;
/// Rows of the audit in one seal.
pub const SEAL_AUDIT_ROWS: usize = 20_000;
/// What one statement may hold, unpacked.
pub const STATEMENT_BYTES_MAX: usize = 256 << 20;

/// Rules of retention, and what one condition of one lists.
pub const RULES_MAX: usize = 500;
pub const RULE_ENTRIES_MAX: usize = 1000;
/// Recent deliveries on which rules are tried, and how many of them are read at a
/// time: an envelope can be megabytes.
pub const CLASSES_TESTED_MAX: u32 = 10_000;
pub const CLASSES_TESTED: u32 = 1000;
pub const CLASSES_TESTED_AT_ONCE: u32 = 50;

/// Deliveries of which it is asked at once whether they are held.
pub const HELD_ASKED_AT_ONCE: usize = 500;
/// How far this machine's clock, the log and the bucket's may be from each other: more
/// is a disagreement, which is told, and in which nothing is destroyed.
pub const CLOCK_SKEW_SECONDS_MAX: i64 = 300;
/// Records that a rebuild names as missing; the rest is counted.
pub const REBUILD_FAULTS_SHOWN: u32 = 100;

/// How often a request to S3 is tried, and the pause before the second time; it
/// doubles. What is not done then is the sender's to try again, after a 451.
pub const S3_ATTEMPTS: usize = 4;
pub const S3_RETRY_FIRST_MS: u64 = 100;
/// How long a connection to S3 may take, and one request on it by default.
pub const S3_CONNECT_SECONDS: u64 = 5;
pub const S3_REQUEST_SECONDS: u64 = 60;
/// The lock of the object by which it is found out what a bucket enforces.
pub const CANARY_LOCK_SECONDS: i64 = 60;
/// Old canaries that one trial removes.
pub const CANARIES_SWEPT_MAX: usize = 100;

/// Nesting of messages and multiparts that the scanner follows; deeper content
/// stays part of what contains it.
pub const MIME_DEPTH_MAX: usize = 32;
/// Parts that the scanner lists; later ones stay part of what contains them.
pub const MIME_PARTS_MAX: usize = 10_000;
/// Bytes of one header block that the scanner keeps.
pub const HEADER_BYTES_MAX: usize = 1 << 20;
/// Bytes of a journal report's envelope part that are read; 10,000 recipients
/// with expansions are about 2 MB.
pub const ENVELOPE_BYTES_MAX: usize = 16 << 20;
/// Recipients kept from one envelope.
pub const ENVELOPE_RECIPIENTS_MAX: usize = 100_000;

/// Of a subject, and of an author, what lists show; all of it is searched.
pub const SUBJECT_SHOWN_BYTES_MAX: usize = 4096;
pub const AUTHOR_SHOWN_BYTES_MAX: usize = 1024;
/// Of the value of one header field, what a message's view shows.
pub const HEADER_SHOWN_BYTES_MAX: usize = 64 << 10;

/// Text kept of one body or attachment; the rest is declared as a gap.
pub const TEXT_BYTES_MAX: usize = 16 << 20;
/// Text kept of one message with all its attachments.
pub const TEXT_TOTAL_BYTES_MAX: usize = 64 << 20;
/// Documents of one family, at any depth; the rest of what holds them is declared.
pub const DOCUMENTS_MAX: usize = 10_000;
/// Bytes that one document may become when it is unpacked, and all of a family:
/// containers within each other are in memory together.
pub const EXPANDED_DOCUMENT_BYTES_MAX: usize = 256 << 20;
pub const EXPANDED_BYTES_MAX: usize = 768 << 20;
/// How many times larger than the message its unpacked documents may be, beyond
/// what any may. Office files reach 100; a bomb is 1000 and more.
pub const EXPANDED_RATIO_MAX: usize = 200;
pub const EXPANDED_FREE_BYTES: usize = 64 << 20;
/// Entries read of one archive's directory.
pub const ARCHIVE_ENTRIES_MAX: usize = 100_000;
/// Elements, or groups of RTF, open within each other that a reader keeps account of.
pub const ELEMENT_DEPTH_MAX: usize = 10_000;
/// After this time the documents of a family that are left are not read; the
/// first time, when later mail waits, after the shorter one.
pub const FAMILY_SECONDS_MAX: u64 = 40;
pub const FAMILY_FIRST_SECONDS_MAX: u64 = 2;
/// Documents of one message that may end or stall a child; those that follow the
/// last of them are not read.
pub const DOCUMENT_FAILURES_MAX: usize = 3;
/// Silence of a child at one document after which it is ended.
pub const DOCUMENT_SECONDS_MAX: u64 = 10;
/// Such times that a child may be silent for, when a busy machine keeps it from running.
pub const STARVED_WAITS_MAX: u32 = 6;
/// The same for the first time that messages are read, and what it falls to when
/// many of those that are read together take longer.
pub const DOCUMENT_FIRST_MS_MAX: u64 = 1000;
pub const DOCUMENT_FIRST_MS_MIN: u64 = 250;
/// Memory of the HTML reader; its stack of open elements grows with nesting.
pub const HTML_MEMORY_BYTES_MAX: usize = 64 << 20;
/// HTML that is made safe to show; the text view has the rest.
pub const HTML_RENDER_BYTES_MAX: usize = 8 << 20;
/// The sanitiser's time grows with the square of the nesting, and of an
/// element's attributes.
pub const HTML_DEPTH_MAX: usize = 200;
pub const HTML_ATTRIBUTES_MAX: usize = 100;
/// So does its time to write a text, of the text's length.
pub const HTML_TEXT_BYTES_MAX: usize = 16 << 10;
/// Pictures of a message that are put into its HTML.
pub const HTML_IMAGE_BYTES_MAX: usize = 16 << 20;
/// Fields read of one header block, and ids of one field.
pub const HEADER_FIELDS_MAX: usize = 10_000;
/// Bytes that are searched of the headers of a message's parts, and of those in
/// which its later versions differ; what is beyond is declared.
pub const INNER_HEADER_BYTES_MAX: usize = 1 << 20;
pub const VERSION_HEADER_BYTES_MAX: usize = 512 << 10;
/// Mailboxes kept of one header field.
pub const MAILBOXES_MAX: usize = 100_000;
/// File names and media types that are kept of attachments.
pub const FILE_NAME_BYTES_MAX: usize = 1 << 10;

/// Passwords of documents that one matter may name, and that one document is tried
/// with: each takes a tenth of a second.
pub const DOCUMENT_PASSWORDS_MAX: usize = 50;
pub const DOCUMENT_PASSWORD_BYTES_MAX: usize = 512;
/// Gaps that are put in line at once to be read again.
pub const RETRY_GAPS_AT_ONCE: usize = 200;
/// Rows of the list of gaps as a file.
pub const GAP_LIST_ROWS_MAX: usize = 200_000;
/// How much of a text tells its language.
pub const LANGUAGE_BYTES_MAX: usize = 4 << 10;
/// A picture of which a side is shorter holds no line that could be read.
pub const OCR_SIDE_PIXELS_MIN: u32 = 24;
/// Pictures of one document of before 2007 that are taken out of it.
pub const DOCUMENT_PICTURES_MAX: usize = 2000;
/// Pictures of one message, and PDFs with pages that are ones, that are read by
/// their looks; they are in memory together.
pub const OCR_BYTES_MAX: usize = 64 << 20;
/// Pictures and pages of one message that are read, and how long all may take.
pub const OCR_PAGES_MAX: usize = 500;
pub const OCR_FAMILY_SECONDS_MAX: u64 = 900;
/// Dots per inch at which pages are drawn, and bytes of one that is drawn: more
/// than a page of A2 has.
pub const OCR_DPI: u32 = 200;
pub const OCR_PAGE_BYTES_MAX: usize = 64 << 20;
/// Words of pictures that were read lately and come again, as in signatures.
pub const OCR_KNOWN_MAX: usize = 4096;
/// Files that a program has open: itself, its libraries and its languages.
pub const OCR_FILES_MAX: u64 = 64;

/// One frame to or from a worker's child: a delivery with its description, or
/// the text found in it.
pub const WORKER_FRAME_BYTES_MAX: usize = 512 << 20;
/// Messages sent to a child at once. Small ones cost less together; a batch
/// that fails is tried again one by one.
pub const WORKER_BATCH_MESSAGES_MAX: usize = 32;
pub const WORKER_BATCH_BYTES_MAX: usize = 1 << 20;
/// Stack of the thread that parses.
pub const WORKER_STACK_BYTES: usize = 64 << 20;
/// With less, children end of ordinary mail.
pub const WORKER_MEMORY_BYTES_MIN: u64 = 256 << 20;
/// Who owns nothing, by custom.
pub const NOBODY: u32 = 65_534;
/// Files that a child may have open: its three pipes and room for a library's.
pub const WORKER_FILES_MAX: u64 = 16;

/// RFC 5321 section 4.5.3.1.4 asks for 512; SMTPUTF8, SIZE and long X.500
/// addresses need more.
pub const SMTP_LINE_BYTES_MAX: usize = 4096;
/// Bytes that are read and dropped of a line that is too long, to answer it and
/// go on; a peer that sends more never meant to end it.
pub const SMTP_LINE_DROPPED_BYTES_MAX: usize = 1 << 20;
pub const SMTP_CONNECTIONS_MAX: usize = 512;
pub const SMTP_CONNECTIONS_PER_PEER_MAX: usize = 128;
pub const SMTP_COMMANDS_MAX: usize = 10_000;
pub const SMTP_ERRORS_MAX: usize = 50;
pub const SMTP_RECIPIENTS_MAX: usize = 1000;
pub const SMTP_IDLE_SECONDS: u64 = 300;
/// What a message must bring on the average once it has taken the idle time.
pub const SMTP_BYTES_PER_SECOND_MIN: u64 = 4096;
/// Commands between two messages that are of no message, and how many idle times
/// all commands between them may take.
pub const SMTP_IDLE_COMMANDS_MAX: usize = 100;
pub const SMTP_IDLE_TIMES_MAX: u32 = 3;
/// Of a copy of the master key, which is a few lines.
pub const KEY_COPY_BYTES_MAX: u64 = 64 << 10;
/// How long transactions in flight may take to finish when the server stops.
pub const SMTP_SHUTDOWN_SECONDS: u64 = 30;
/// How long, and how many reads, a closed connection's last bytes are read past.
pub const SMTP_LINGER_SECONDS: u64 = 2;
pub const SMTP_LINGER_READS_MAX: usize = 64;
/// Pause after a failed accept, so that a lack of descriptors is not a busy loop.
pub const ACCEPT_PAUSE_MS: u64 = 100;

/// Leaves are at most this long (C2SP tlog-tiles: a 16-bit length).
pub const LEAF_BYTES_MAX: usize = 65_535;

/// Body of an API request.
pub const HTTP_BODY_BYTES_MAX: usize = 1 << 20;
/// Characters of a query, as in Relativity.
pub const QUERY_CHARS_MAX: usize = 65_000;
/// Parentheses within each other, and what nests as they do.
pub const QUERY_DEPTH_MAX: usize = 100;
/// Stack of the threads that serve: many times what a query of that depth takes.
pub const SERVER_STACK_BYTES: usize = 16 << 20;
/// Times that a job is begun: one at which the server ended so often is not begun again.
pub const JOB_STARTS_MAX: u64 = 5;
pub const QUERY_TERMS_MAX: usize = 10_000;
/// Words between the two sides of a NEAR; less than the gap between documents.
pub const QUERY_NEAR_MAX: u32 = 1000;
/// Words of one segment that one wildcard stands for; beyond it, an error.
pub const QUERY_EXPANSIONS_MAX: usize = 200_000;
/// Letters in which a fuzzy word may differ.
pub const QUERY_EDITS_MAX: usize = 4;
/// Characters of a regular expression, and bytes of what it becomes.
pub const QUERY_REGEX_CHARS_MAX: usize = 500;
pub const QUERY_REGEX_BYTES_MAX: usize = 2 << 20;
/// Words of a query of which is shown what they stand for, and of each how many.
pub const EXPANSIONS_SHOWN_MAX: usize = 50;
pub const EXPANSION_WORDS_SHOWN_MAX: usize = 200;
/// Result lists kept for paging, and the hits in all of them (40 bytes each).
pub const SEARCH_LISTS_KEPT: usize = 8;
pub const SEARCH_HITS_KEPT: usize = 2_000_000;
/// Terms of a report, families that it shows of each, and how long it may take.
pub const REPORT_TERMS_MAX: usize = 500;
pub const REPORT_SAMPLE_MAX: usize = 50;
pub const REPORT_SECONDS_MAX: u64 = 60;
/// Values of a facet that are told; of the others, how many there are.
pub const FACET_VALUES_MAX: usize = 50;
/// Parts of a query whose families are counted, and for how long.
pub const QUERY_PARTS_COUNTED_MAX: usize = 50;
pub const QUERY_PARTS_SECONDS_MAX: u64 = 5;
/// Searches that are remembered, so that counting their hits needs no row of its own in
/// the audit, and for how long.
pub const SEARCHES_REMEMBERED_MAX: usize = 256;
pub const SEARCH_REMEMBERED_SECONDS: i64 = 300;
/// A search that takes longer is refused; it never gives a part of its hits.
pub const SEARCH_SECONDS_MAX: u64 = 30;
/// Searches that compute at once; later ones wait.
pub const SEARCHES_AT_ONCE_MAX: usize = 4;
/// Positions (8 bytes) of one wildcard inside a phrase or beside NEAR.
pub const QUERY_POSITIONS_MAX: usize = 20_000_000;
/// Less, and tantivy will not write.
pub const INDEX_MEMORY_BYTES_MIN: usize = 16 << 20;
pub const INDEX_MEMORY_BYTES_LIMIT: usize = 3 << 30;
pub const PAGE_ROWS_MAX: usize = 500;

/// Passwords hashed at once: each takes 19 MiB and a processor.
pub const PASSWORDS_AT_ONCE_MAX: usize = 2;
/// How long a sign-in waits for its turn.
pub const PASSWORD_WAIT_SECONDS: u64 = 10;
pub const PASSWORD_CHARS_MIN: usize = 12;
pub const PASSWORD_BYTES_MAX: usize = 1024;
pub const PERSON_NAME_BYTES_MAX: usize = 64;
/// A session ends at this age even if it never idles: a week.
pub const SESSION_AGE_SECONDS_MAX: i64 = 7 * 24 * 3600;
/// Names of people, matters, custodians and holds.
pub const NAME_BYTES_MAX: usize = 200;

/// An answer of an authority of time stamps, with the certificates up to its root.
pub const STAMP_BYTES_MAX: usize = 64 << 10;

/// An authority of time stamps or a relay of mail answers in this time.
pub const POST_SECONDS: u64 = 30;

/// After a checkpoint could not go outside, it is tried again.
pub const OUTSIDE_RETRY_SECONDS: i64 = 600;

/// A signed note: a checkpoint with far more than the 16 signatures that
/// c2sp.org/signed-note demands, post-quantum ones included.
pub const NOTE_BYTES_MAX: usize = 256 << 10;

/// RFC 5321 section 4.5.3.1 allows 320; X.500 addresses are longer.
pub const ADDRESS_BYTES_MAX: usize = 1024;
pub const CUSTODIAN_ADDRESSES_MAX: usize = 1000;
pub const HOLD_CUSTODIANS_MAX: usize = 5000;
/// Messages that a preview of a hold shows.
pub const HOLD_SAMPLE_ROWS: usize = 10;
/// Why a hold is released, in words.
pub const REASON_BYTES_MAX: usize = 2000;
/// Leaves that one checkpoint adds at most; bounds the publisher's memory.
pub const PUBLISH_LEAVES_MAX: u32 = 65_536;
/// Files in a bundle that is checked; more than any export makes.
pub const VERIFY_FILES_MAX: usize = 20_000_000;
/// Directories within each other in an unpacked bundle.
pub const VERIFY_DEPTH_MAX: usize = 8;
/// Findings that are listed; later ones are counted.
pub const VERIFY_FINDINGS_MAX: usize = 1000;

/// A check that is not heard of for so long is another's.
pub const SCRUB_LEASE_SECONDS: i64 = 120;
/// What a check lists of what it found; the rest is counted.
pub const SCRUB_FINDINGS_SHOWN: usize = 1000;
/// What one step finds and holds until it is noted.
pub const SCRUB_FINDINGS_HELD: usize = 20_000;
/// Message sets whose rows a check reads at once.
pub const SCRUB_SETS_AT_ONCE: u32 = 200;
/// Records that one finding names.
pub const SCRUB_RECORDS_NAMED: usize = 20;
/// What is younger may still be on its way into the catalog.
pub const SCRUB_GRACE_SECONDS: i64 = 3600;

/// Mebibytes of mail that reading may have in memory at once.
pub const REVIEW_MEMORY_MEBIBYTES_MAX: u32 = 512;
/// Participants that a message's page lists; a list of 10,000 recipients has as
/// many rows for each delivery.
pub const PARTICIPANTS_SHOWN_MAX: usize = 50_000;
/// Deliveries that a message's page lists.
pub const DELIVERIES_SHOWN_MAX: usize = 1000;
/// Messages of one thread, message ids that they may name, and how many of those
/// one search is for.
pub const THREAD_MESSAGES_MAX: usize = 500;
pub const THREAD_IDS_MAX: usize = 2000;
pub const THREAD_IDS_AT_ONCE: usize = 50;
/// Ids that one message says it answers, and bytes of each; what versions of one
/// message set say beyond the last is declared.
pub const THREAD_ANSWERS_MAX: usize = 200;
pub const THREAD_ID_BYTES_MAX: usize = 1000;
pub const VERSION_LINKS_BYTES_MAX: usize = 256 << 10;
/// Dates of receipt that are indexed of one message set, its first aside.
pub const DELIVERY_DATES_MAX: usize = 10_000;
/// How long after a message an answer that names none may have its subject, and how
/// many of the same subject are looked at.
pub const THREAD_SUBJECT_SECONDS_MAX: i64 = 30 * 24 * 3600;
pub const THREAD_SUBJECT_MESSAGES_MAX: usize = 200;
pub const THREAD_SUBJECTS_MAX: usize = 8;
/// Text of a message that is compared with others, how many of those that are like it
/// are compared, and the bytes of their texts.
pub const NEAR_TEXT_BYTES_MAX: usize = 1 << 20;
pub const NEAR_COMPARED_MAX: usize = 1000;
pub const NEAR_COMPARED_BYTES_MAX: usize = 64 << 20;
/// Mail that is not searchable after this time is told to whoever watches.
pub const LAG_SECONDS_MAX: i64 = 120;
/// Damaged records that the status lists.
pub const DAMAGE_SHOWN_MAX: usize = 20;
/// Addresses that completion offers.
pub const COMPLETIONS_MAX: usize = 20;

/// Deliveries that the follower reads at once, and their bytes; one larger
/// delivery goes alone.
pub const FOLLOW_DELIVERIES_MAX: u32 = 512;
pub const FOLLOW_BYTES_MAX: u64 = 16 << 20;
/// Deliveries in one transaction of the follower: the commit of new mail waits
/// for it, so it stays near 20 ms.
pub const FOLLOW_WRITE_DELIVERIES_MAX: usize = 64;
/// Addresses whose ids the follower remembers.
pub const ADDRESS_CACHE_MAX: usize = 200_000;
/// A job that is not heard of for so long is another's.
pub const JOB_LEASE_SECONDS: i64 = 60;
/// Records that a proposal to destroy an epoch shows.
pub const DISPOSITION_SAMPLE: u64 = 10;
/// Records that carry one message and are erased with it.
pub const ERASURE_RECORDS_MAX: usize = 10_000;
/// Deliveries read again before they are destroyed that are kept for their neighbours.
pub const DOUBT_DELIVERIES_KEPT: usize = 20_000;
/// How often a rewrite of key pages begins again because others changed them.
pub const REWRITE_TRIES: usize = 20;
/// Key pages that are put together in one object, at most and at least.
pub const COMPACT_PAGES_MAX: usize = 500;
pub const COMPACT_PAGES_MIN: usize = 16;
pub const PAGES_READ_AT_ONCE: usize = 16;
/// Flags of holds that are set or lifted in one step, and at once.
pub const FLAGS_PER_STEP: usize = 200;
pub const FLAGS_AT_ONCE: usize = 16;
/// Segments whose flags did not follow that are remembered; beyond, all are tried again.
pub const FLAGS_FAILED_MAX: usize = 10_000;
/// Locks that are asked for at once.
pub const LOCKS_ASKED_AT_ONCE: usize = 16;
/// Messages that an export can name one by one.
pub const EXPORT_MESSAGES_MAX: usize = 10_000;
/// Deliveries from which one message is proved in an export.
pub const EXPORT_PROOFS_MAX: usize = 1000;

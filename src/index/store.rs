//! The index on disk: opening, filling, asking.
//!
//! Beside tantivy's files lies `version`, the schema's. An index that is lost,
//! damaged or of another version is emptied on opening and says why; its cursor
//! is then 0, and whoever fills it begins anew.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};

use tantivy::directory::MmapDirectory;
use tantivy::indexer::UserOperation;
use tantivy::merge_policy::LogMergePolicy;
use tantivy::schema::IndexRecordOption;
use tantivy::{
    DocAddress, DocSet, IndexReader, IndexWriter, ReloadPolicy, Searcher, TERMINATED,
    TantivyDocument,
};

use super::bits::Bits;
use super::blocks::Blocks;
use super::doc::FamilyDoc;
use super::results::Results;
use super::schema::{self, Fields};
use super::sharing::{self, Keys, Sharing};
use super::snippet::{Marker, Snippet};
use super::{
    Expansion, Facets, Hit, IndexError, Scope, clear, eval, expansion, facets, plan, report,
};
use crate::base::clock::Timestamp;
use crate::base::ids::SetId;
use crate::base::limits::INDEX_MEMORY_BYTES_MIN;
use crate::base::priority;
use crate::catalog::purge::Left;
use crate::query::ast::Query;

/// A full-text index. Cloning shares it.
#[derive(Clone)]
pub struct Index {
    inner: Arc<Inner>,
}

struct Inner {
    path: PathBuf,
    memory_bytes: usize,
    fields: Fields,
    engine: RwLock<Engine>,
    results: Results<Vec<Hit>>,
    facets: Results<Facets>,
    blocks: Blocks,
}

/// What `reset` replaces.
struct Engine {
    reader: IndexReader,
    filling: Mutex<Filling>,
    /// Why it began empty, if it did.
    emptied: Option<String>,
}

struct Filling {
    index: tantivy::Index,
    memory_bytes: usize,
    /// None after a failure: what it had taken is lost, and the next use begins
    /// at the last commit.
    writer: Option<IndexWriter>,
    /// Put and not committed.
    pending: HashMap<SetId, FamilyDoc>,
    /// Of what was put since the last commit.
    pending_bytes: usize,
    cursor: u64,
}

impl Index {
    /// Opens the index in `path`, or makes an empty one. Reads all of it once,
    /// to know that it is whole.
    pub fn open(path: &Path, memory_bytes: usize) -> Result<Self, IndexError> {
        let memory_bytes = memory_bytes.max(INDEX_MEMORY_BYTES_MIN);
        let fields = Fields::new();
        let engine = match Engine::open(path, &fields, memory_bytes) {
            Ok(engine) => engine,
            Err(IndexError::Busy) => return Err(IndexError::Busy),
            Err(why) => {
                let why = (!clear::is_absent(path)).then(|| why.to_string());
                Engine::create(path, &fields, memory_bytes, why)?
            }
        };
        let engine = RwLock::new(engine);
        let path = path.to_owned();
        let (results, facets, blocks) = Default::default();
        let inner = Inner { path, memory_bytes, fields, engine, results, facets, blocks };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Up to where the committed families reach.
    pub fn cursor(&self) -> u64 {
        self.engine().filling().cursor
    }

    /// Why the index began empty when it was opened or reset; for the log.
    pub fn emptied(&self) -> Option<String> {
        self.engine().emptied.clone()
    }

    /// Empties it after damage; the cursor is 0 again.
    pub fn reset(&self, why: &str) -> Result<(), IndexError> {
        let Inner { path, memory_bytes, fields, engine, .. } = &*self.inner;
        let mut engine = engine.write().unwrap_or_else(PoisonError::into_inner);
        // The old writer holds the directory's lock until it is gone.
        let parked = Engine::parked(fields)?;
        drop(std::mem::replace(&mut *engine, parked));
        self.forget();
        *engine = Engine::create(path, fields, *memory_bytes, Some(why.to_owned()))?;
        Ok(())
    }

    /// Adds a family, or replaces the one with the same set id; searchable after
    /// `commit`. After an error of this or of `commit`, everything since the last
    /// commit is to be put again.
    pub fn put(&self, doc: FamilyDoc) -> Result<(), IndexError> {
        let fields = &self.inner.fields;
        let documents = fields.documents(&doc)?;
        let engine = self.engine();
        let mut filling = engine.filling();
        filling.or_lost(&self.inner.path, |filling| {
            let writer = filling.writer()?;
            // One call, so that the family is in one segment.
            let delete = UserOperation::Delete(fields.set_term(doc.set));
            let adds = documents.into_iter().map(UserOperation::Add);
            writer.run(std::iter::once(delete).chain(adds).collect::<Vec<_>>())?;
            filling.pending_bytes += doc.text_bytes();
            filling.pending.insert(doc.set, doc);
            Ok(())
        })
    }

    /// Whether more text was put since the last commit than is to be in memory.
    pub fn is_full(&self) -> bool {
        self.engine().filling().pending_bytes > self.inner.memory_bytes
    }

    /// The family as it was last put, committed or not.
    pub fn stored(&self, set: SetId) -> Result<Option<FamilyDoc>, IndexError> {
        let engine = self.engine();
        if let Some(doc) = engine.filling().pending.get(&set) {
            return Ok(Some(doc.clone()));
        }
        self.family(&engine.reader.searcher(), set)
    }

    /// Makes what was put durable and searchable. A crash before the end leaves
    /// the last commit, with its cursor.
    pub fn commit(&self, cursor: u64) -> Result<(), IndexError> {
        let engine = self.engine();
        let mut filling = engine.filling();
        filling.or_lost(&self.inner.path, |filling| {
            filling.commit(cursor)?;
            Ok(engine.reader.reload()?)
        })
    }

    /// Takes a family out, or, where some of its deliveries are left, what none of them
    /// says; until [`Self::commit_removed`].
    pub fn diminish(&self, set: SetId, left: Option<&Left>) -> Result<(), IndexError> {
        let Some(left) = left else {
            let engine = self.engine();
            let mut filling = engine.filling();
            let term = self.inner.fields.set_term(set);
            return filling.or_lost(&self.inner.path, |filling| {
                filling.writer()?.delete_term(term);
                filling.pending.remove(&set);
                Ok(())
            });
        };
        let Some(mut family) = self.stored(set)? else { return Ok(()) };
        family.reduce(left);
        self.put(family)
    }

    /// Makes removals durable. The cursor stays where it is.
    pub fn commit_removed(&self) -> Result<(), IndexError> {
        let cursor = self.cursor();
        self.commit(cursor)?;
        // What was found before is not to be shown from memory.
        self.forget();
        Ok(())
    }

    /// Forces what was taken out, or replaced, out of the index's files too.
    pub fn expunge(&self) -> Result<(), IndexError> {
        let engine = self.engine();
        let mut filling = engine.filling();
        filling.or_lost(&self.inner.path, |filling| {
            filling.commit(filling.cursor)?;
            // Merges that are under way take segments away from ours.
            if let Some(writer) = filling.writer.take() {
                writer.wait_merging_threads()?;
            }
            // What describes a segment keeps its files while it lives.
            let metas = filling.index.searchable_segment_metas()?;
            let mended: Vec<_> = metas
                .into_iter()
                .filter_map(|segment| segment.has_deletes().then(|| segment.id()))
                .collect();
            let writer = filling.writer()?;
            if !mended.is_empty() {
                writer.merge(&mended).wait()?;
            }
            writer.garbage_collect_files().wait()?;
            Ok(engine.reader.reload()?)
        })
    }

    /// Every family that matches, newest first in the scope's order.
    pub fn all(&self, query: &Query, scope: &Scope) -> Result<Arc<Vec<Hit>>, IndexError> {
        let searcher = self.engine().reader.searcher();
        let snapshot = searcher.generation().generation_id();
        if let Some(hits) = self.inner.results.get(snapshot, query, scope) {
            return Ok(hits);
        }
        let plan = plan::plan(&self.inner.fields, query, scope)?;
        let deadline = eval::Deadline::new();
        let mut hits = Vec::new();
        for (reader, starts) in searcher.segment_readers().iter().zip(self.blocks(&searcher)?) {
            let found = eval::matching(reader, starts, &plan, deadline)?;
            let mut documents = found.documents_in_families();
            let columns = reader.fast_fields();
            let set = columns.u64(schema::SET)?;
            let received = columns.i64(schema::RECEIVED)?;
            let sent = columns.i64(schema::SENT)?;
            let messages = columns.u64(schema::MESSAGES)?;
            let partial = columns.u64(schema::PARTIAL)?;
            hits.extend(found.families.iter().map(|doc| Hit {
                set: SetId(set.first(doc).unwrap_or_default().cast_signed()),
                received_at: Timestamp(received.first(doc).unwrap_or_default()),
                sent_at: sent.first(doc).map(Timestamp),
                messages: messages.first(doc).and_then(|it| it.try_into().ok()).unwrap_or(1),
                documents: documents.next().unwrap_or(1),
                is_partial: partial.first(doc) == Some(1),
            }));
        }
        hits.sort_unstable_by_key(|hit| std::cmp::Reverse((hit.at(scope.order), hit.set)));
        let hits = Arc::new(hits);
        self.inner.results.keep(snapshot, query, scope, &hits, Vec::len);
        Ok(hits)
    }

    /// How what [`Self::all`] gives is spread over months and values.
    pub fn facets(&self, query: &Query, scope: &Scope) -> Result<Arc<Facets>, IndexError> {
        let searcher = self.engine().reader.searcher();
        let snapshot = searcher.generation().generation_id();
        if let Some(facets) = self.inner.facets.get(snapshot, query, scope) {
            return Ok(facets);
        }
        let blocks = self.blocks(&searcher)?;
        let facets = facets::of(&self.inner.fields, &searcher, &blocks, query, scope)?;
        let facets = Arc::new(facets);
        self.inner.facets.keep(snapshot, query, scope, &facets, |_| 0);
        Ok(facets)
    }

    /// What each of several terms finds.
    pub fn report(&self, asked: &report::Asked) -> Result<report::Report, IndexError> {
        let searcher = self.engine().reader.searcher();
        let blocks = self.blocks(&searcher)?;
        report::of(&self.inner.fields, &searcher, &blocks, asked)
    }

    /// Families that have any of the keys, the `most` that come first by `rank`, and how
    /// many there are.
    pub fn sharing<K: Ord>(
        &self,
        keys: &Keys,
        scope: &Scope,
        most: usize,
        rank: impl Fn(&Sharing) -> K,
    ) -> Result<(Vec<Sharing>, u64), IndexError> {
        let searcher = self.engine().reader.searcher();
        let blocks = self.blocks(&searcher)?;
        sharing::of(&self.inner.fields, (&searcher, &blocks), keys, scope, (most, rank))
    }

    /// What to show of each family in a list beside its subject, with the places that
    /// match.
    pub fn snippets(
        &self,
        query: &Query,
        shown: &[(SetId, String)],
    ) -> Result<Vec<Snippet>, IndexError> {
        let searcher = self.engine().reader.searcher();
        let marker = Marker::new(query)?;
        shown
            .iter()
            .map(|(set, subject)| {
                let doc = self.family(&searcher, *set)?;
                Ok(doc.map_or_else(Snippet::default, |doc| marker.snippet(&doc, subject)))
            })
            .collect()
    }

    /// What the words of a query that stand for many stand for, in the families that
    /// the scope lets pass.
    pub fn expansions(&self, query: &Query, scope: &Scope) -> Result<Vec<Expansion>, IndexError> {
        let searcher = self.engine().reader.searcher();
        let blocks = self.blocks(&searcher)?;
        expansion::of(&self.inner.fields, &searcher, &blocks, query, scope)
    }

    /// How many families are searchable.
    pub fn families(&self) -> Result<u64, IndexError> {
        let searcher = self.engine().reader.searcher();
        let blocks = self.blocks(&searcher)?;
        let segments = searcher.segment_readers().iter().zip(&blocks);
        Ok(segments.map(|(reader, starts)| eval::families(reader, starts)).sum())
    }

    fn family(&self, searcher: &Searcher, set: SetId) -> Result<Option<FamilyDoc>, IndexError> {
        let fields = &self.inner.fields;
        let term = fields.set_term(set);
        for (ord, reader) in (0u32..).zip(searcher.segment_readers()) {
            let inverted = reader.inverted_index(fields.set)?;
            let Some(mut postings) = inverted.read_postings(&term, IndexRecordOption::Basic)?
            else {
                continue;
            };
            let mut doc = postings.doc();
            while doc != TERMINATED {
                if !reader.is_deleted(doc) {
                    let stored: TantivyDocument = searcher.doc(DocAddress::new(ord, doc))?;
                    return fields.family(&stored).map(Some);
                }
                doc = postings.advance();
            }
        }
        Ok(None)
    }

    fn blocks(&self, searcher: &Searcher) -> Result<Vec<Arc<Bits>>, IndexError> {
        self.inner.blocks.of(searcher, self.inner.fields.message)
    }

    /// Answers that are kept.
    fn forget(&self) {
        self.inner.results.clear();
        self.inner.facets.clear();
    }

    fn engine(&self) -> RwLockReadGuard<'_, Engine> {
        self.inner.engine.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Engine {
    fn open(path: &Path, fields: &Fields, memory_bytes: usize) -> Result<Self, IndexError> {
        let version = fs::read_to_string(path.join("version")).unwrap_or_default();
        if version.trim() != schema::VERSION.to_string() {
            let why = format!("version {:?} instead of {}", version.trim(), schema::VERSION);
            return Err(IndexError::Corrupt(why));
        }
        let mut index = tantivy::Index::open_in_dir(path)?;
        if index.schema() != fields.schema {
            return Err(IndexError::Corrupt("its schema is another".to_owned()));
        }
        let damaged = index.validate_checksum()?;
        if let Some(file) = damaged.iter().next() {
            return Err(IndexError::Corrupt(format!("{} is not as written", file.display())));
        }
        index.set_tokenizers(Fields::tokenizers());
        let payload = index.load_metas()?.payload.unwrap_or_default();
        let cursor = payload
            .parse()
            .map_err(|_| IndexError::Corrupt(format!("its cursor is {payload:?}")))?;
        Self::start(&index, memory_bytes, cursor, None)
    }

    fn create(
        path: &Path,
        fields: &Fields,
        memory_bytes: usize,
        why: Option<String>,
    ) -> Result<Self, IndexError> {
        let failed = |operation| move |source| IndexError::File { operation, source };
        // A crash here leaves an index without its version, which is emptied again.
        clear::clear(path)?;
        let directory =
            MmapDirectory::open(path).map_err(|error| IndexError::Engine(error.into()))?;
        let index = tantivy::Index::builder()
            .schema(fields.schema.clone())
            .tokenizers(Fields::tokenizers())
            .open_or_create(directory)?;
        let engine = Self::start(&index, memory_bytes, 0, why)?;
        engine.filling().commit(0)?;
        fs::write(path.join("version"), schema::VERSION.to_string()).map_err(failed("write"))?;
        Ok(engine)
    }

    /// Stands in while the real one is made anew.
    fn parked(fields: &Fields) -> Result<Self, IndexError> {
        let index = tantivy::Index::create_in_ram(fields.schema.clone());
        Self::start(&index, INDEX_MEMORY_BYTES_MIN, 0, None)
    }

    fn start(
        index: &tantivy::Index,
        memory_bytes: usize,
        cursor: u64,
        emptied: Option<String>,
    ) -> Result<Self, IndexError> {
        let mut filling = Filling {
            index: index.clone(),
            memory_bytes,
            writer: None,
            pending: HashMap::new(),
            pending_bytes: 0,
            cursor,
        };
        filling.writer()?;
        let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?;
        Ok(Self { reader, filling: Mutex::new(filling), emptied })
    }

    fn filling(&self) -> MutexGuard<'_, Filling> {
        self.filling.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Filling {
    fn writer(&mut self) -> Result<&mut IndexWriter, IndexError> {
        let writer = match self.writer.take() {
            Some(writer) => writer,
            None => {
                let (index, bytes) = (&self.index, self.memory_bytes);
                let writer = priority::behind(|| index.writer_with_num_threads(1, bytes))?;
                let mut merging = LogMergePolicy::default();
                // Replaced families keep their text on disk until they are merged away.
                merging.set_del_docs_ratio_before_merge(0.2);
                writer.set_merge_policy(Box::new(merging));
                // A kill before a commit's end leaves files that the next one would
                // give the same names to, and refuse to.
                writer.garbage_collect_files().wait()?;
                writer
            }
        };
        Ok(self.writer.insert(writer))
    }

    fn commit(&mut self, cursor: u64) -> Result<(), IndexError> {
        let mut prepared = self.writer()?.prepare_commit()?;
        prepared.set_payload(&cursor.to_string());
        prepared.commit()?;
        self.forget_pending();
        self.cursor = cursor;
        Ok(())
    }

    fn forget_pending(&mut self) {
        self.pending.clear();
        self.pending_bytes = 0;
    }

    /// tantivy's writer is of no more use after a failure, say of a full disk.
    fn or_lost<T>(
        &mut self,
        path: &Path,
        doing: impl FnOnce(&mut Self) -> Result<T, IndexError>,
    ) -> Result<T, IndexError> {
        doing(self).map_err(|error| {
            self.writer = None;
            self.forget_pending();
            match path.join("meta.json").exists() {
                true => error,
                false => IndexError::Corrupt("its files are gone".to_owned()),
            }
        })
    }
}

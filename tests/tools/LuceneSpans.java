// Answers span queries with Lucene, for tests that compare.
//
//   java -cp lucene-core.jar tests/tools/LuceneSpans.java < lines
//
// A line `D a b c` is a document of these words; documents are numbered from 0 and
// come first. A line `Q (near 4 0 (t a) (t b))` asks; it is answered by a line with
// the numbers of the documents that match.
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.apache.lucene.analysis.Analyzer;
import org.apache.lucene.analysis.Tokenizer;
import org.apache.lucene.analysis.util.CharTokenizer;
import org.apache.lucene.document.Document;
import org.apache.lucene.document.Field;
import org.apache.lucene.document.TextField;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.IndexWriter;
import org.apache.lucene.index.IndexWriterConfig;
import org.apache.lucene.index.Term;
import org.apache.lucene.search.BooleanClause.Occur;
import org.apache.lucene.search.BooleanQuery;
import org.apache.lucene.search.FuzzyQuery;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.MatchAllDocsQuery;
import org.apache.lucene.search.Query;
import org.apache.lucene.search.RegexpQuery;
import org.apache.lucene.search.ScoreDoc;
import org.apache.lucene.search.Sort;
import org.apache.lucene.search.WildcardQuery;
import org.apache.lucene.search.spans.SpanFirstQuery;
import org.apache.lucene.search.spans.SpanMultiTermQueryWrapper;
import org.apache.lucene.search.spans.SpanNearQuery;
import org.apache.lucene.search.spans.SpanNotQuery;
import org.apache.lucene.search.spans.SpanOrQuery;
import org.apache.lucene.search.spans.SpanQuery;
import org.apache.lucene.search.spans.SpanTermQuery;
import org.apache.lucene.store.ByteBuffersDirectory;

public class LuceneSpans {
    private static final String FIELD = "text";

    /** Words between single blanks, as they are. */
    private static class Blanks extends Analyzer {
        @Override
        protected TokenStreamComponents createComponents(String field) {
            Tokenizer words = CharTokenizer.fromSeparatorCharPredicate(c -> c == ' ');
            return new TokenStreamComponents(words);
        }
    }

    private static class Reader {
        private final String[] tokens;
        private int at = 0;

        Reader(String text) {
            tokens = text.replace("(", " ( ").replace(")", " ) ").trim().split(" +");
        }

        private String next() {
            return tokens[at++];
        }

        private boolean isClosed() {
            return tokens[at].equals(")");
        }

        Query query() {
            int begun = at;
            next();
            String kind = next();
            if (!kind.equals("AND") && !kind.equals("OR") && !kind.equals("NOT")) {
                at = begun;
                return span();
            }
            BooleanQuery.Builder all = new BooleanQuery.Builder();
            if (kind.equals("NOT")) {
                all.add(new MatchAllDocsQuery(), Occur.MUST);
            }
            while (!isClosed()) {
                all.add(query(), switch (kind) {
                    case "AND" -> Occur.MUST;
                    case "OR" -> Occur.SHOULD;
                    default -> Occur.MUST_NOT;
                });
            }
            next();
            return all.build();
        }

        private List<SpanQuery> rest() {
            List<SpanQuery> found = new ArrayList<>();
            while (!isClosed()) {
                found.add(span());
            }
            return found;
        }

        private SpanQuery span() {
            next();
            String kind = next();
            SpanQuery made = switch (kind) {
                case "t" -> new SpanTermQuery(new Term(FIELD, next()));
                case "wild" -> many(new WildcardQuery(new Term(FIELD, next())));
                // Theirs uses parentheses, which are ours here: none are asked for.
                case "regex" -> many(new RegexpQuery(new Term(FIELD, next())));
                case "fuzzy" -> {
                    int prefix = Integer.parseInt(next());
                    int edits = Integer.parseInt(next());
                    Term term = new Term(FIELD, next());
                    yield many(new FuzzyQuery(term, edits, prefix, 1000, false));
                }
                case "or" -> new SpanOrQuery(rest().toArray(new SpanQuery[0]));
                case "phrase" -> new SpanNearQuery(rest().toArray(new SpanQuery[0]), 0, true);
                case "near" -> {
                    int slop = Integer.parseInt(next());
                    boolean isOrdered = next().equals("1");
                    yield new SpanNearQuery(rest().toArray(new SpanQuery[0]), slop, isOrdered);
                }
                case "not" -> {
                    int distance = Integer.parseInt(next());
                    SpanQuery wanted = span();
                    yield new SpanNotQuery(wanted, span(), distance, distance);
                }
                case "first" -> {
                    int end = Integer.parseInt(next());
                    yield new SpanFirstQuery(span(), end);
                }
                default -> throw new IllegalArgumentException(kind);
            };
            next();
            return made;
        }

        private static <Q extends org.apache.lucene.search.MultiTermQuery> SpanQuery many(Q query) {
            return new SpanMultiTermQueryWrapper<>(query);
        }
    }

    public static void main(String[] arguments) throws Exception {
        BooleanQuery.setMaxClauseCount(1 << 20);
        BufferedReader in =
            new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        ByteBuffersDirectory directory = new ByteBuffersDirectory();
        IndexWriter writer = new IndexWriter(directory, new IndexWriterConfig(new Blanks()));
        IndexSearcher searcher = null;
        int documents = 0;
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            String rest = line.length() > 2 ? line.substring(2) : "";
            if (line.startsWith("D")) {
                Document document = new Document();
                document.add(new TextField(FIELD, rest, Field.Store.NO));
                writer.addDocument(document);
                documents++;
                continue;
            }
            if (searcher == null) {
                // One segment, so that their numbers are ours.
                writer.forceMerge(1);
                writer.close();
                searcher = new IndexSearcher(DirectoryReader.open(directory));
            }
            Query query = new Reader(rest).query();
            StringBuilder found = new StringBuilder();
            for (ScoreDoc hit : searcher.search(query, Math.max(1, documents), Sort.INDEXORDER).scoreDocs) {
                found.append(found.length() == 0 ? "" : " ").append(hit.doc);
            }
            out.println(found);
        }
    }
}

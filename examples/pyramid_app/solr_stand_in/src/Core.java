import java.io.Closeable;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.lucene.document.Document;
import org.apache.lucene.index.IndexWriter;
import org.apache.lucene.index.IndexWriterConfig;
import org.apache.lucene.index.Term;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.Query;
import org.apache.lucene.search.ScoreDoc;
import org.apache.lucene.search.SearcherManager;
import org.apache.lucene.store.Directory;
import org.apache.lucene.store.FSDirectory;

/** One index on disk: what changes it, and what is found in it. Safe to use from several threads. */
final class Core implements Closeable {
    private final Directory directory;
    private final IndexWriter writer;
    private final SearcherManager searchers;

    /** Opens the index under `home`, or makes it; IOException if another process has it open. */
    Core(Path home) throws IOException {
        Path folder = home.resolve("data").resolve("index");
        Files.createDirectories(folder);
        directory = FSDirectory.open(folder);
        writer = new IndexWriter(directory, new IndexWriterConfig(Queries.ANALYZER));
        writer.commit();
        searchers = new SearcherManager(writer, null);
    }

    /** All of `changes`, or none if one of them is wrong. They are found after the next commit. */
    void apply(List<Change> changes) throws IOException {
        List<Runnable> steps = new ArrayList<>();
        for (Change change : changes) {
            steps.add(step(change));
        }
        try {
            steps.forEach(Runnable::run);
        } catch (UncheckedIOException error) {
            throw error.getCause();
        }
    }

    private Runnable step(Change change) {
        if (change instanceof Change.Add add) {
            Document document = Fields.document(add.values());
            Term id = new Term(Fields.ID, add.values().get(Fields.ID).toString());
            return () -> quietly(() -> writer.updateDocument(id, document));
        } else if (change instanceof Change.DeleteIds delete) {
            Term[] ids = delete.ids().stream().map(id -> new Term(Fields.ID, id)).toArray(Term[]::new);
            return () -> quietly(() -> writer.deleteDocuments(ids));
        } else if (change instanceof Change.DeleteQuery delete) {
            Query query = Queries.strict(delete.query());
            return () -> quietly(() -> writer.deleteDocuments(query));
        }
        return () -> quietly(this::commit);
    }

    /** Every change is on disk and can be found. */
    void commit() throws IOException {
        writer.commit();
        searchers.maybeRefreshBlocking();
    }

    /** Every change can be found. */
    void softCommit() throws IOException {
        searchers.maybeRefreshBlocking();
    }

    /** Every change is on disk. */
    void save() throws IOException {
        writer.commit();
    }

    /** The `response` of a select. */
    Map<String, Object> select(Search search) throws IOException {
        IndexSearcher searcher = searchers.acquire();
        try {
            Map<String, Object> response = new LinkedHashMap<>();
            response.put("numFound", searcher.count(search.query()));
            response.put("start", search.start());
            response.put("numFoundExact", true);
            response.put("docs", found(searcher, search));
            return response;
        } finally {
            searchers.release(searcher);
        }
    }

    private static List<Object> found(IndexSearcher searcher, Search search) throws IOException {
        List<Object> documents = new ArrayList<>();
        int wanted = search.start() + search.rows();
        if (search.rows() == 0) {
            return documents;
        }
        ScoreDoc[] hits = search.sort() == null
            ? searcher.search(search.query(), wanted).scoreDocs
            : searcher.search(search.query(), wanted, search.sort(), search.scores()).scoreDocs;
        for (int i = search.start(); i < hits.length; i++) {
            Map<String, Object> document = Fields.values(searcher.doc(hits[i].doc));
            document.keySet().removeIf(field -> !search.wants(field));
            if (search.scores()) {
                document.put("score", hits[i].score);
            }
            documents.add(document);
        }
        return documents;
    }

    int size() throws IOException {
        IndexSearcher searcher = searchers.acquire();
        try {
            return searcher.getIndexReader().numDocs();
        } finally {
            searchers.release(searcher);
        }
    }

    /** Closing commits. */
    @Override
    public void close() throws IOException {
        searchers.close();
        writer.close();
        directory.close();
    }

    private interface Step {
        void run() throws IOException;
    }

    private static void quietly(Step step) {
        try {
            step.run();
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
    }
}

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.apache.lucene.util.Version;

/** Starts and stops the stand-in. It is not Apache Solr: see the README beside it. */
public final class SolrStandIn {
    private static final String NAME = "solr-stand-in/1.0 (not Apache Solr; Lucene " + Version.LATEST + ")";
    private static final int BACKLOG = 128;
    /** As often as Solr's `_default` configuration does. */
    private static final int SAVE_EVERY_S = 15;
    private static final int DRAIN_S = 5;

    private SolrStandIn() {
    }

    public static void main(String[] arguments) {
        try {
            start(Options.parse(arguments));
        } catch (IllegalArgumentException error) {
            fail(2, error.getMessage());
        } catch (BindException error) {
            fail(1, "can't listen on 127.0.0.1, port " + portOf(arguments) + ": " + error.getMessage());
        } catch (IOException error) {
            fail(1, "can't open the index: " + error);
        }
    }

    private static void start(Options options) throws IOException {
        // Bound first: a second start on the same port must not touch the index of the first.
        HttpServer http = HttpServer.create();
        http.bind(new InetSocketAddress(InetAddress.getByName("127.0.0.1"), options.port()), BACKLOG);
        Cores cores = new Cores(options.home());
        ScheduledExecutorService later = Executors.newSingleThreadScheduledExecutor();
        Exchange exchange = new Exchange(new Router(cores, about(options), later), NAME);
        http.createContext("/", exchange);
        http.setExecutor(Executors.newFixedThreadPool(Exchange.CONCURRENCY));
        later.scheduleWithFixedDelay(() -> save(cores), SAVE_EVERY_S, SAVE_EVERY_S, TimeUnit.SECONDS);
        Runtime.getRuntime().addShutdownHook(new Thread(() -> stop(http, exchange, cores)));
        http.start();
        System.out.println("solr-stand-in: ready on http://127.0.0.1:" + http.getAddress().getPort()
            + "/solr, index in " + options.home() + "; " + NAME);
    }

    /** Runs at SIGTERM and at Ctrl-C: answers what is in flight, then closes the index, which commits. */
    private static void stop(HttpServer http, Exchange exchange, Cores cores) {
        int status = 0;
        try {
            exchange.drain(DRAIN_S);
            http.stop(0);
            cores.close();
            System.out.println("solr-stand-in: stopped, the index is on disk");
        } catch (IOException | InterruptedException error) {
            System.err.println("solr-stand-in: the index was not closed: " + error);
            status = 1;
        }
        // A JVM that was told to stop exits with 143; it did what it was told, so 0.
        Runtime.getRuntime().halt(status);
    }

    private static void save(Cores cores) {
        try {
            cores.save();
        } catch (IOException | RuntimeException error) {
            System.err.println("solr-stand-in: a commit failed: " + error);
        }
    }

    private static Map<String, Object> about(Options options) {
        Map<String, Object> lucene = new LinkedHashMap<>();
        lucene.put("solr-impl-version", NAME);
        lucene.put("lucene-spec-version", Version.LATEST.toString());
        Map<String, Object> about = new LinkedHashMap<>();
        about.put("mode", "std");
        about.put("stand_in", true);
        about.put("solr_home", options.home().toString());
        about.put("lucene", lucene);
        about.put("jvm", Map.of("version", System.getProperty("java.version")));
        return about;
    }

    private static String portOf(String[] arguments) {
        return String.valueOf(Options.parse(arguments).port());
    }

    private static void fail(int status, String message) {
        System.err.println("solr-stand-in: " + message);
        System.exit(status);
    }
}

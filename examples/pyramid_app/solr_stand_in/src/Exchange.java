import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/** HTTP around the router: reads a bounded request, writes JSON, and knows whether a request is in flight. */
final class Exchange implements HttpHandler {
    static final int BODY_LIMIT = 8 * 1024 * 1024;
    /** Requests answered at the same time. */
    static final int CONCURRENCY = 8;

    private final Router router;
    private final String server;
    private final Semaphore free = new Semaphore(CONCURRENCY);

    Exchange(Router router, String server) {
        this.router = router;
        this.server = server;
    }

    /** Waits for the requests in flight; no new one is answered after this. False if some are still there. */
    boolean drain(long seconds) throws InterruptedException {
        return free.tryAcquire(CONCURRENCY, seconds, TimeUnit.SECONDS);
    }

    @Override
    public void handle(HttpExchange exchange) throws IOException {
        free.acquireUninterruptibly();
        try (exchange) {
            respond(exchange);
        } finally {
            free.release();
        }
    }

    private void respond(HttpExchange exchange) throws IOException {
        long start = System.nanoTime();
        Map<String, Object> header = new LinkedHashMap<>();
        Map<String, Object> answer = new LinkedHashMap<>();
        answer.put("responseHeader", header);
        int status = 200;
        try {
            answer.putAll(router.answer(read(exchange)));
        } catch (BadRequest error) {
            status = error.status;
            answer.put("error", Map.of("msg", error.getMessage(), "code", status));
        } catch (Exception | StackOverflowError error) {
            status = 500;
            answer.put("error", Map.of("msg", error.toString(), "code", status));
            System.err.println("solr-stand-in: " + exchange.getRequestURI() + ": " + error);
        }
        header.put("status", status == 200 ? 0 : status);
        header.put("QTime", (System.nanoTime() - start) / 1_000_000);
        send(exchange, status, Json.write(answer) + "\n");
    }

    private static Router.Request read(HttpExchange exchange) throws IOException {
        byte[] body = exchange.getRequestBody().readNBytes(BODY_LIMIT + 1);
        if (body.length > BODY_LIMIT) {
            exchange.getResponseHeaders().set("Connection", "close");
            throw new BadRequest(413, "the body has more than " + BODY_LIMIT + " bytes");
        }
        String type = exchange.getRequestHeaders().getFirst("Content-Type");
        type = type == null ? "" : type.split(";", 2)[0].trim().toLowerCase(Locale.ROOT);
        boolean form = type.equals("application/x-www-form-urlencoded");
        String posted = form ? new String(body, StandardCharsets.UTF_8) : null;
        Parameters parameters = new Parameters(exchange.getRequestURI().getRawQuery(), posted);
        String path = exchange.getRequestURI().getPath().replaceAll("/+$", "");
        return new Router.Request(path, parameters, type, form ? new byte[0] : body);
    }

    private void send(HttpExchange exchange, int status, String text) throws IOException {
        byte[] body = text.getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().set("Content-Type", "application/json;charset=utf-8");
        exchange.getResponseHeaders().set("Server", server);
        boolean head = exchange.getRequestMethod().equals("HEAD");
        exchange.sendResponseHeaders(status, head ? -1 : body.length);
        if (!head) {
            exchange.getResponseBody().write(body);
        }
    }
}

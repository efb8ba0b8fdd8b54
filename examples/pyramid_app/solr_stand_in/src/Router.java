import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/** Which address does what, from a request as values to an answer as values. No sockets here. */
final class Router {
    /** A request: its path without a slash at the end, its parameters, and the body with its type. */
    record Request(String path, Parameters parameters, String type, byte[] body) {
    }

    private static final int COMMIT_WITHIN_LIMIT_MS = 3_600_000;

    private final Cores cores;
    private final Map<String, Object> about;
    private final ScheduledExecutorService later;

    Router(Cores cores, Map<String, Object> about, ScheduledExecutorService later) {
        this.cores = cores;
        this.about = about;
        this.later = later;
    }

    /** What the answer to `request` says beside its header; BadRequest if there is none. */
    Map<String, Object> answer(Request request) throws IOException {
        switch (request.path()) {
            case "/solr/admin/info/system": return about;
            case "/solr/admin/cores": return admin(request.parameters());
            default: break;
        }
        String[] parts = request.path().split("/", 4);
        if (parts.length < 4 || !parts[1].equals("solr")) {
            throw new BadRequest(404, "nothing at " + request.path());
        }
        return switch (parts[3]) {
            case "admin/ping" -> ping(cores.get(parts[2]));
            case "select" -> select(cores.get(parts[2]), request.parameters());
            case "update", "update/json" -> update(cores.get(parts[2]), request);
            default -> throw new BadRequest(404, "the Solr stand-in has no handler " + parts[3]);
        };
    }

    private Map<String, Object> admin(Parameters parameters) throws IOException {
        String action = parameters.get("action", "STATUS").toUpperCase();
        if (action.equals("CREATE")) {
            String name = parameters.get("name", "");
            cores.get(name);
            return Map.of("core", name);
        } else if (action.equals("STATUS")) {
            return Map.of("initFailures", Map.of(), "status", cores.status(parameters.get("core", null)));
        }
        throw new BadRequest("action=" + action + ": the Solr stand-in has STATUS and CREATE");
    }

    private static Map<String, Object> ping(Core core) throws IOException {
        core.size();
        return Map.of("status", "OK");
    }

    private static Map<String, Object> select(Core core, Parameters parameters) throws IOException {
        Map<String, Object> answer = new LinkedHashMap<>();
        answer.put("response", core.select(Search.of(parameters)));
        return answer;
    }

    private Map<String, Object> update(Core core, Request request) throws IOException {
        Parameters parameters = request.parameters();
        int within = parameters.number("commitWithin", 0, COMMIT_WITHIN_LIMIT_MS);
        core.apply(changes(request));
        if (parameters.isTrue("commit") || parameters.isTrue("optimize")) {
            core.commit();
        } else if (parameters.isTrue("softCommit")) {
            core.softCommit();
        } else if (within > 0) {
            later.schedule(() -> commitLater(core), within, TimeUnit.MILLISECONDS);
        }
        return Map.of();
    }

    private static List<Change> changes(Request request) {
        if (request.body().length == 0) {
            return List.of();
        }
        // The type is insisted on: a page of another site can't send these two without asking first.
        return switch (request.type()) {
            case "application/json" -> JsonUpdate.read(new String(request.body(), StandardCharsets.UTF_8));
            case "text/xml", "application/xml" -> XmlUpdate.read(request.body());
            default -> throw new BadRequest(415, "update: expected application/json or text/xml, not " + request.type());
        };
    }

    private static void commitLater(Core core) {
        try {
            core.commit();
        } catch (IOException | RuntimeException error) {
            System.err.println("solr-stand-in: a commit failed: " + error);
        }
    }
}

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** The changes that a JSON update asks for: a list of documents, or an object of commands. */
final class JsonUpdate {
    private JsonUpdate() {
    }

    static List<Change> read(String body) {
        List<Change> changes = new ArrayList<>();
        Object update = Json.parse(body);
        if (update instanceof List<?> documents) {
            documents.forEach(document -> changes.add(new Change.Add(object(document))));
        } else {
            object(update).forEach((command, argument) -> changes.add(change(command, argument)));
        }
        return changes;
    }

    private static Change change(String command, Object argument) {
        switch (command) {
            case "add": return new Change.Add(object(object(argument).get("doc")));
            case "commit":
            case "optimize": return new Change.Commit();
            case "delete": return delete(argument);
            default: throw new BadRequest("unknown command " + command + ": expected add, delete, commit or optimize");
        }
    }

    private static Change delete(Object argument) {
        if (argument instanceof List<?> ids) {
            return new Change.DeleteIds(ids.stream().map(String::valueOf).toList());
        } else if (argument instanceof String id) {
            return new Change.DeleteIds(List.of(id));
        }
        Map<String, Object> which = object(argument);
        if (which.get("query") instanceof String query) {
            return new Change.DeleteQuery(query);
        } else if (which.get("id") != null) {
            return new Change.DeleteIds(List.of(which.get("id").toString()));
        }
        throw new BadRequest("delete: expected an id, a list of ids, {\"id\": ...} or {\"query\": ...}");
    }

    @SuppressWarnings("unchecked")
    private static Map<String, Object> object(Object value) {
        if (value instanceof Map<?, ?>) {
            return (Map<String, Object>) value;
        }
        throw new BadRequest("expected a JSON object, not " + Json.write(value));
    }
}

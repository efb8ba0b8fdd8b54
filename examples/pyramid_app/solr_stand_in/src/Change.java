import java.util.List;
import java.util.Map;

/** One thing that an update asks for. */
sealed interface Change {
    record Add(Map<String, Object> values) implements Change {
    }

    record DeleteIds(List<String> ids) implements Change {
    }

    record DeleteQuery(String query) implements Change {
    }

    record Commit() implements Change {
    }
}

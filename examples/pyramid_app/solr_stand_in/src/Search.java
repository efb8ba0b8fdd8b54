import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.apache.lucene.search.Query;
import org.apache.lucene.search.Sort;
import org.apache.lucene.search.SortField;

/** What a select asks for: the query with its filters, an order (null: by score), a slice and the fields. */
record Search(Query query, Sort sort, int start, int rows, Set<String> fields, boolean scores) {
    private static final int ROWS_DEFAULT = 10;
    private static final int ROWS_LIMIT = 1000;
    private static final int START_LIMIT = 100_000;
    /** What Solr would do with these can't be left out silently. */
    private static final List<String> MISSING = List.of("facet", "hl", "group", "mlt", "stats", "spellcheck");

    /** The search in `parameters`; BadRequest for what can't be parsed, and for what the stand-in doesn't do. */
    static Search of(Parameters parameters) {
        for (String feature : MISSING) {
            if (parameters.isTrue(feature)) {
                throw new BadRequest("the Solr stand-in has no " + feature + ": that takes Apache Solr");
            }
        }
        if (!parameters.get("wt", "json").equals("json")) {
            throw new BadRequest("wt=" + parameters.get("wt", "") + ": the Solr stand-in answers in json only");
        }
        Set<String> fields = Set.copyOf(words(parameters.all("fl")));
        return new Search(
            Queries.of(parameters),
            sort(parameters.get("sort", "")),
            parameters.number("start", 0, START_LIMIT),
            parameters.number("rows", ROWS_DEFAULT, ROWS_LIMIT),
            fields,
            fields.contains("score"));
    }

    boolean wants(String field) {
        return fields.isEmpty() || fields.contains("*") || fields.contains(field) || fields.equals(Set.of("score"));
    }

    private static List<String> words(List<String> lists) {
        return lists.stream()
            .flatMap(list -> List.of(list.trim().split("[\\s,]+")).stream())
            .filter(word -> !word.isEmpty())
            .distinct()
            .toList();
    }

    private static Sort sort(String spelt) {
        List<SortField> orders = new ArrayList<>();
        for (String clause : spelt.isBlank() ? new String[0] : spelt.trim().split("\\s*,\\s*")) {
            String[] parts = clause.split("\\s+");
            String way = parts.length == 2 ? parts[1].toLowerCase(Locale.ROOT) : "";
            if (!way.equals("asc") && !way.equals("desc")) {
                throw new BadRequest("sort=" + spelt + ": expected FIELD asc or FIELD desc, separated by commas");
            }
            orders.add(order(parts[0], way.equals("desc")));
        }
        return orders.isEmpty() ? null : new Sort(orders.toArray(new SortField[0]));
    }

    private static SortField order(String field, boolean falling) {
        if (field.equals("score")) {
            // Lucene's own order of scores is the falling one.
            return new SortField(null, SortField.Type.SCORE, !falling);
        }
        return switch (Fields.kindOf(field)) {
            case STRING, TEXT -> new SortField(field, SortField.Type.STRING, falling);
            default -> new SortField(field, SortField.Type.LONG, falling);
        };
    }
}

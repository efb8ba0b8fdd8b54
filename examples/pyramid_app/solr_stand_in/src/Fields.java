import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.lucene.document.Document;
import org.apache.lucene.document.Field;
import org.apache.lucene.document.NumericDocValuesField;
import org.apache.lucene.document.SortedDocValuesField;
import org.apache.lucene.document.StoredField;
import org.apache.lucene.document.StringField;
import org.apache.lucene.document.TextField;
import org.apache.lucene.util.BytesRef;
import org.apache.lucene.util.NumericUtils;

/**
 * A document as JSON or XML gives it, as a document of Lucene, and back.
 *
 * The type of a field follows from the end of its name, as with the dynamic fields of Solr's `_default`
 * configuration: _s a string, _i _l a whole number, _f _d a fraction, _b a truth, _dt a date, anything else
 * text. The whole document is stored as JSON in one field; values are also kept for sorting.
 */
final class Fields {
    static final String ID = "id";
    /** Every text of the document, for queries that name no field. */
    static final String ALL_TEXT = "_text_";
    private static final String SOURCE = "_source_";
    /** Lucene refuses longer terms; a string that long is only cut for sorting and exact search. */
    private static final int TERM_LIMIT = 8000;

    private static final int ID_LIMIT = 512;

    enum Kind {
        STRING("string"), WHOLE("whole number"), FRACTION("number"), DATE("date as 2026-01-31T12:00:00Z"), TEXT("text");

        final String label;

        Kind(String label) {
            this.label = label;
        }
    }

    private Fields() {
    }

    static Kind kindOf(String field) {
        if (field.equals(ID) || field.endsWith("_s") || field.endsWith("_b")) {
            return Kind.STRING;
        } else if (field.endsWith("_i") || field.endsWith("_l")) {
            return Kind.WHOLE;
        } else if (field.endsWith("_f") || field.endsWith("_d")) {
            return Kind.FRACTION;
        }
        return field.endsWith("_dt") ? Kind.DATE : Kind.TEXT;
    }

    /** `values`, field name to one value or a list of them, for the index; BadRequest without an id. */
    static Document document(Map<String, Object> values) {
        Object id = values.get(ID);
        if (!(id instanceof String || id instanceof Long) || id.toString().isEmpty()) {
            throw new BadRequest("Document is missing mandatory uniqueKey field: id");
        } else if (id.toString().length() > ID_LIMIT) {
            throw new BadRequest("the id has more than " + ID_LIMIT + " characters");
        }
        Document document = new Document();
        Map<String, Object> kept = new LinkedHashMap<>();
        values.forEach((name, value) -> {
            if (name.startsWith("_")) {
                throw new BadRequest("field " + name + ": names that start with _ are the stand-in's own");
            }
            List<Object> many = value instanceof List<?> list ? new ArrayList<>(list) : List.of(value == null ? "" : value);
            for (int i = 0; i < many.size(); i++) {
                add(document, name, many.get(i), i == 0);
            }
            kept.put(name, value instanceof String text ? typed(name, text) : value);
        });
        kept.put(ID, id.toString());
        document.add(new StoredField(SOURCE, Json.write(kept)));
        return document;
    }

    private static void add(Document document, String name, Object value, boolean sorts) {
        if (value instanceof Map) {
            throw new BadRequest("field " + name + ": the stand-in has no atomic updates and no nested documents");
        }
        String text = String.valueOf(value);
        Kind kind = kindOf(name);
        if (kind == Kind.TEXT) {
            document.add(new TextField(name, text, Field.Store.NO));
            document.add(new TextField(ALL_TEXT, text, Field.Store.NO));
        } else {
            document.add(new StringField(name, cut(text), Field.Store.NO));
        }
        if (sorts && (kind == Kind.STRING || kind == Kind.TEXT)) {
            document.add(new SortedDocValuesField(name, new BytesRef(cut(text).getBytes(StandardCharsets.UTF_8))));
        } else if (sorts) {
            document.add(new NumericDocValuesField(name, sortable(name, kind, text)));
        }
    }

    /** XML has only text: a number is given back as one however it came. */
    private static Object typed(String name, String text) {
        return switch (kindOf(name)) {
            case WHOLE -> (Object) Long.valueOf(text);
            case FRACTION -> (Object) Double.valueOf(text);
            default -> text;
        };
    }

    /** `text` as the number that stands for it in the index, ordered as the values are. */
    static long sortable(String name, Kind kind, String text) {
        try {
            return switch (kind) {
                case WHOLE -> Long.parseLong(text);
                case FRACTION -> NumericUtils.doubleToSortableLong(Double.parseDouble(text));
                default -> Instant.parse(text).toEpochMilli();
            };
        } catch (NumberFormatException | DateTimeParseException error) {
            throw new BadRequest("field " + name + ": " + text + " is not a " + kind.label);
        }
    }

    private static String cut(String text) {
        return text.length() <= TERM_LIMIT ? text : text.substring(0, TERM_LIMIT);
    }

    /** What was given to `document`, back from the index. */
    @SuppressWarnings("unchecked")
    static Map<String, Object> values(Document document) {
        return (Map<String, Object>) Json.parse(document.get(SOURCE));
    }
}

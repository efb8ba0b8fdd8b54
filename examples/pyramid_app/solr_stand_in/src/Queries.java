import java.util.HashMap;
import java.util.Map;
import org.apache.lucene.analysis.Analyzer;
import org.apache.lucene.analysis.DelegatingAnalyzerWrapper;
import org.apache.lucene.analysis.core.KeywordAnalyzer;
import org.apache.lucene.analysis.standard.StandardAnalyzer;
import org.apache.lucene.document.NumericDocValuesField;
import org.apache.lucene.queryparser.classic.MultiFieldQueryParser;
import org.apache.lucene.queryparser.classic.ParseException;
import org.apache.lucene.queryparser.classic.QueryParser;
import org.apache.lucene.search.BooleanClause.Occur;
import org.apache.lucene.search.BooleanQuery;
import org.apache.lucene.search.MatchAllDocsQuery;
import org.apache.lucene.search.Query;

/** Text that a person or a program typed, as a query of Lucene. */
final class Queries {
    /** Words of text are split and lower-cased; strings, numbers and dates are one term each. */
    static final Analyzer ANALYZER = new DelegatingAnalyzerWrapper(Analyzer.PER_FIELD_REUSE_STRATEGY) {
        private final Analyzer text = new StandardAnalyzer();
        private final Analyzer term = new KeywordAnalyzer();

        @Override
        protected Analyzer getWrappedAnalyzer(String field) {
            return Fields.kindOf(field) == Fields.Kind.TEXT ? text : term;
        }
    };

    private Queries() {
    }

    /** `q` by the parser that `defType` names, on the fields of `qf` or `df`, narrowed by every `fq`. */
    static Query of(Parameters parameters) {
        String typed = parameters.get("q", "*:*");
        BooleanQuery.Builder query = new BooleanQuery.Builder().add(main(typed, parameters), Occur.MUST);
        for (String filter : parameters.all("fq")) {
            query.add(strict(filter), Occur.FILTER);
        }
        return query.build();
    }

    /** A query in Lucene's own syntax, as a filter or a deletion has it. */
    static Query strict(String typed) {
        return strict(typed, parser(Fields.ALL_TEXT, false));
    }

    private static Query main(String typed, Parameters parameters) {
        boolean everyWord = parameters.get("q.op", "OR").equals("AND") || parameters.get("mm", "").equals("100%");
        String defaultField = parameters.get("df", Fields.ALL_TEXT);
        return switch (parameters.get("defType", "lucene")) {
            case "lucene" -> strict(typed, parser(defaultField, everyWord));
            case "dismax", "edismax" -> lenient(typed, parser(parameters.get("qf", defaultField), everyWord));
            default -> throw new BadRequest(
                "defType=" + parameters.get("defType", "") + ": the stand-in has lucene, dismax and edismax");
        };
    }

    private static Query strict(String typed, QueryParser parser) {
        try {
            return parse(typed, parser);
        } catch (ParseException error) {
            throw new BadRequest("Cannot parse '" + typed + "'");
        }
    }

    /** What people type is never an error: what is no query is a list of words. */
    private static Query lenient(String typed, QueryParser parser) {
        try {
            return parse(typed, parser);
        } catch (ParseException error) {
            String words = QueryParser.escape(typed).replaceAll("\\b(AND|OR|NOT)\\b", " ");
            return strict(words.isBlank() ? "\"\"" : words, parser);
        }
    }

    private static Query parse(String typed, QueryParser parser) throws ParseException {
        Query query;
        try {
            query = parser.parse(typed);
        } catch (BadRequest error) {
            throw error;
        } catch (RuntimeException | StackOverflowError error) {
            // A regular expression that is none, or that is too much: Lucene says so in many ways.
            throw new ParseException(String.valueOf(error.getMessage()));
        }
        boolean onlyForbids = query instanceof BooleanQuery several
            && !several.clauses().isEmpty()
            && several.clauses().stream().allMatch(clause -> clause.getOccur() == Occur.MUST_NOT);
        if (!onlyForbids) {
            return query;
        }
        BooleanQuery.Builder all = new BooleanQuery.Builder().add(new MatchAllDocsQuery(), Occur.MUST);
        ((BooleanQuery) query).clauses().forEach(all::add);
        return all.build();
    }

    /** `spelt`: field names with optional boosts, as in `title_t^2 text_t`. */
    private static QueryParser parser(String spelt, boolean everyWord) {
        Map<String, Float> boosts = new HashMap<>();
        for (String field : spelt.trim().split("\\s+")) {
            String[] parts = field.split("\\^", 2);
            try {
                boosts.put(parts[0], parts.length == 2 ? Float.parseFloat(parts[1]) : 1f);
            } catch (NumberFormatException error) {
                throw new BadRequest("qf: the boost of " + field + " is not a number");
            }
        }
        QueryParser parser = new RangeAwareParser(boosts);
        parser.setDefaultOperator(everyWord ? QueryParser.Operator.AND : QueryParser.Operator.OR);
        return parser;
    }

    /** Lucene's parser compares text; numbers and dates have to be compared as such. */
    private static final class RangeAwareParser extends MultiFieldQueryParser {
        RangeAwareParser(Map<String, Float> boosts) {
            super(boosts.keySet().toArray(new String[0]), ANALYZER, boosts);
        }

        @Override
        protected Query getRangeQuery(String field, String low, String high, boolean withLow, boolean withHigh)
                throws ParseException {
            Fields.Kind kind = field == null ? Fields.Kind.TEXT : Fields.kindOf(field);
            if (kind == Fields.Kind.TEXT || kind == Fields.Kind.STRING) {
                return super.getRangeQuery(field, low, high, withLow, withHigh);
            }
            long from = low == null ? Long.MIN_VALUE : Fields.sortable(field, kind, low) + (withLow ? 0 : 1);
            long to = high == null ? Long.MAX_VALUE : Fields.sortable(field, kind, high) - (withHigh ? 0 : 1);
            return NumericDocValuesField.newSlowRangeQuery(field, from, to);
        }
    }
}

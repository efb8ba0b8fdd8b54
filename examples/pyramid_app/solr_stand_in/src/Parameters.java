import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The parameters of a request, from its address and, where it posts a form, from its body. */
final class Parameters {
    private final Map<String, List<String>> values = new LinkedHashMap<>();

    /** Parameters spelt `a=1&b=2`; null for none. */
    Parameters(String... queries) {
        for (String query : queries) {
            for (String pair : query == null ? new String[0] : query.split("&")) {
                int equals = pair.indexOf('=');
                if (equals > 0) {
                    String name = decode(pair.substring(0, equals));
                    values.computeIfAbsent(name, key -> new ArrayList<>()).add(decode(pair.substring(equals + 1)));
                }
            }
        }
    }

    private static String decode(String text) {
        try {
            return URLDecoder.decode(text, StandardCharsets.UTF_8);
        } catch (IllegalArgumentException error) {
            throw new BadRequest("the parameter " + text + " is not URL-encoded");
        }
    }

    String get(String name, String otherwise) {
        return values.containsKey(name) ? values.get(name).get(0) : otherwise;
    }

    List<String> all(String name) {
        return values.getOrDefault(name, List.of());
    }

    boolean isTrue(String name) {
        return get(name, "false").equals("true");
    }

    /** A whole number from 0 to `limit`; BadRequest for anything else. */
    int number(String name, int otherwise, int limit) {
        String value = get(name, String.valueOf(otherwise));
        if (!value.matches("\\d{1,9}") || Integer.parseInt(value) > limit) {
            throw new BadRequest(name + "=" + value + ": expected a number from 0 to " + limit);
        }
        return Integer.parseInt(value);
    }

    Map<String, Object> echo() {
        Map<String, Object> told = new LinkedHashMap<>();
        values.forEach((name, list) -> told.put(name, list.size() == 1 ? list.get(0) : list));
        return told;
    }
}

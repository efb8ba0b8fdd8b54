import java.nio.file.Path;

/** The command line, in the words of Solr's own `solr start`; the launcher has taken the JVM's part out of it. */
record Options(int port, Path home) {
    /** Solr's own default. */
    private static final int DEFAULT_PORT = 8983;

    /** The options that `arguments` spell; IllegalArgumentException says what is wrong with them. */
    static Options parse(String[] arguments) {
        int port = DEFAULT_PORT;
        Path home = null;
        for (int i = 0; i < arguments.length; i += 2) {
            String value = i + 1 < arguments.length ? arguments[i + 1] : "";
            switch (arguments[i]) {
                case "-p" -> port = portOf(value);
                case "-s" -> home = Path.of(value).toAbsolutePath().normalize();
                default -> throw new IllegalArgumentException("unknown option " + arguments[i]);
            }
        }
        if (home == null) {
            throw new IllegalArgumentException("-s HOME is missing: the directory that keeps the index");
        }
        return new Options(port, home);
    }

    private static int portOf(String value) {
        if (!value.matches("\\d{1,5}") || Integer.parseInt(value) > 65535) {
            throw new IllegalArgumentException("-p " + value + ": expected a port from 0 to 65535");
        }
        return Integer.parseInt(value);
    }
}

import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** The cores under one home directory. A core that is named for the first time is made: the stand-in has no configuration to ask. */
final class Cores implements Closeable {
    private static final String NAME = "[A-Za-z0-9_][A-Za-z0-9_-]{0,63}";
    private static final int LIMIT = 16;

    private final Path home;
    private final Map<String, Core> open = new LinkedHashMap<>();

    /** Opens every core that `home` has. */
    Cores(Path home) throws IOException {
        this.home = home;
        Files.createDirectories(home);
        List<Path> folders;
        try (Stream<Path> entries = Files.list(home)) {
            folders = entries.filter(entry -> Files.isDirectory(entry.resolve("data").resolve("index"))).sorted().toList();
        }
        for (Path folder : folders) {
            open.put(folder.getFileName().toString(), new Core(folder));
        }
    }

    synchronized Core get(String name) throws IOException {
        Core core = open.get(name);
        if (core == null) {
            if (!name.matches(NAME) || name.equals("admin")) {
                throw new BadRequest(404, "no core can be named " + name + ": expected letters, digits, _ and -");
            } else if (open.size() >= LIMIT) {
                throw new BadRequest("the stand-in keeps at most " + LIMIT + " cores");
            }
            core = new Core(home.resolve(name));
            open.put(name, core);
        }
        return core;
    }

    /** `status` of an admin/cores answer: of the core `name`, or of all for null. */
    synchronized Map<String, Object> status(String name) throws IOException {
        Map<String, Object> status = new LinkedHashMap<>();
        for (Map.Entry<String, Core> entry : open.entrySet()) {
            if (name == null || name.equals(entry.getKey())) {
                status.put(entry.getKey(), Map.of(
                    "name", entry.getKey(),
                    "instanceDir", home.resolve(entry.getKey()).toString(),
                    "index", Map.of("numDocs", entry.getValue().size())));
            }
        }
        if (name != null && status.isEmpty()) {
            status.put(name, Map.of());
        }
        return status;
    }

    /** Puts on disk what is not there yet. */
    synchronized void save() throws IOException {
        for (Core core : open.values()) {
            core.save();
        }
    }

    @Override
    public synchronized void close() throws IOException {
        for (Core core : open.values()) {
            core.close();
        }
        open.clear();
    }
}

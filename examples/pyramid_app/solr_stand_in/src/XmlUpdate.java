import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.ParserConfigurationException;
import org.w3c.dom.Element;
import org.w3c.dom.Node;
import org.xml.sax.SAXException;
import org.xml.sax.helpers.DefaultHandler;

/** The changes that an XML update asks for: add, delete, commit, optimize, or several of them in update. */
final class XmlUpdate {
    private XmlUpdate() {
    }

    static List<Change> read(byte[] body) {
        List<Change> changes = new ArrayList<>();
        Element root = parse(body);
        for (Element command : root.getTagName().equals("update") ? children(root) : List.of(root)) {
            read(command, changes);
        }
        return changes;
    }

    private static void read(Element command, List<Change> changes) {
        switch (command.getTagName()) {
            case "add" -> children(command).forEach(document -> changes.add(add(document)));
            case "delete" -> children(command).forEach(which -> changes.add(delete(which)));
            case "commit", "optimize" -> changes.add(new Change.Commit());
            default -> throw new BadRequest(
                "unknown element " + command.getTagName() + ": expected add, delete, commit or optimize");
        }
    }

    private static Change add(Element document) {
        Map<String, Object> values = new LinkedHashMap<>();
        for (Element field : children(document)) {
            if (!field.getTagName().equals("field") || field.hasAttribute("update")) {
                throw new BadRequest("the stand-in has no atomic updates and no nested documents");
            }
            values.merge(field.getAttribute("name"), field.getTextContent(), XmlUpdate::both);
        }
        return new Change.Add(values);
    }

    private static Object both(Object before, Object more) {
        List<Object> values = new ArrayList<>(before instanceof List<?> list ? list : List.of(before));
        values.add(more);
        return values;
    }

    private static Change delete(Element which) {
        String value = which.getTextContent();
        return switch (which.getTagName()) {
            case "id" -> new Change.DeleteIds(List.of(value));
            case "query" -> new Change.DeleteQuery(value);
            default -> throw new BadRequest("delete: expected id or query, not " + which.getTagName());
        };
    }

    private static List<Element> children(Element parent) {
        List<Element> found = new ArrayList<>();
        for (Node node = parent.getFirstChild(); node != null; node = node.getNextSibling()) {
            if (node instanceof Element element) {
                found.add(element);
            }
        }
        return found;
    }

    private static Element parse(byte[] body) {
        try {
            DocumentBuilderFactory factory = DocumentBuilderFactory.newInstance();
            // Without document types there are no entities, and so no files read and no bombs.
            factory.setFeature("http://apache.org/xml/features/disallow-doctype-decl", true);
            var builder = factory.newDocumentBuilder();
            builder.setErrorHandler(new DefaultHandler());
            return builder.parse(new ByteArrayInputStream(body)).getDocumentElement();
        } catch (SAXException | IOException error) {
            throw new BadRequest("XML: " + error.getMessage());
        } catch (ParserConfigurationException error) {
            throw new IllegalStateException(error);
        }
    }
}

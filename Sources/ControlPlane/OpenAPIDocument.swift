internal import APISchema
internal import Hummingbird

/// The OpenAPI 3.1 document of the routes, made from the same table that serves them.
struct OpenAPIDocument {
    let text: String

    init(routes: [APIRoute]) {
        var paths: [String] = []
        for route in routes where !paths.contains(route.path) { paths.append(route.path) }
        text = JSONWriter.text { writer in
            writer.object { writer in
                writer.field("openapi", "3.1.0")
                writer.key("info")
                writer.object {
                    $0.field("title", "Atoll")
                    $0.field("version", "1")
                    $0.field("description", Self.about)
                }
                writer.key("paths")
                writer.object { writer in
                    for path in paths { Self.write(path, routes.filter { $0.path == path }, to: &writer) }
                }
                writer.key("components")
                writer.object { writer in
                    writer.key("securitySchemes")
                    writer.object { writer in
                        writer.key("token")
                        writer.object {
                            $0.field("type", "http")
                            $0.field("scheme", "bearer")
                        }
                    }
                    writer.field("schemas", OpenAPISchemas.json)
                }
            }
        }
    }

    private static let about = """
        The API of one Atoll node. Any node answers for the whole cluster. Names of files are bytes: where they are not UTF-8, the field has \
        _b64 behind its name and holds base64. Ids of sessions, handles and cookies are decimal numbers in strings; all other integers are exact \
        to 64 bits. Every error is {"error": {code, operation, object, cause, hint}}. The header atoll-timeout-ms bounds how long a request may take.
        """

    private static func write(_ path: String, _ routes: [APIRoute], to writer: inout JSONWriter) {
        writer.key(path.replacing("*}", with: "}"))
        writer.object { writer in
            for route in routes {
                writer.key(route.method.rawValue.lowercased())
                writer.object { write(route, to: &$0) }
            }
        }
    }

    private static func write(_ route: APIRoute, to writer: inout JSONWriter) {
        writer.field("operationId", route.name)
        writer.field("summary", route.about)
        writer.key("security")
        writer.array { writer in
            guard route.access != .open else { return }
            writer.object {
                $0.key("token")
                $0.array { _ in }
            }
        }
        writer.key("parameters")
        writer.array { writer in
            for segment in route.path.split(separator: "/") where segment.hasPrefix("{") {
                let name = String(segment.dropFirst().dropLast().filter { $0 != "*" })
                parameter(name, in: "path", type: "string", about: name == "path" ? "percent-encoded; slashes stay" : "", to: &writer)
            }
            for query in route.query { parameter(query.name, in: "query", type: query.type, about: query.about, to: &writer) }
        }
        if route.takes != .none {
            writer.key("requestBody")
            writer.object { content(route.takes, schema: route.takesSchema, to: &$0) }
        }
        writer.key("responses")
        writer.object { writer in
            writer.key(String(route.status))
            writer.object { writer in
                writer.field("description", "done")
                if route.gives != .none { content(route.gives, schema: route.givesSchema, to: &writer) }
            }
            writer.key("default")
            writer.object { writer in
                writer.field("description", "an error")
                content(.json, schema: "Error", to: &writer)
            }
        }
    }

    private static func parameter(_ name: String, in place: String, type: String, about: String, to writer: inout JSONWriter) {
        writer.object { writer in
            writer.field("name", name)
            writer.field("in", place)
            writer.field("required", place == "path")
            if !about.isEmpty { writer.field("description", about) }
            writer.key("schema")
            writer.object { $0.field("type", type) }
        }
    }

    private static func content(_ content: APIRoute.Content, schema: String?, to writer: inout JSONWriter) {
        writer.key("content")
        writer.object { writer in
            for type in content.rawValue.split(separator: ", ") {
                writer.key(String(type))
                writer.object { writer in
                    writer.key("schema")
                    writer.object {
                        if type == APIRoute.Content.json.rawValue {
                            $0.field("$ref", "#/components/schemas/\(schema ?? "Any")")
                        } else {
                            $0.field("type", "string")
                        }
                    }
                }
            }
        }
    }
}

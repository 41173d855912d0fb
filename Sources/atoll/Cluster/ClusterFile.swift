import APISchema
import Filesystem
import Primitives
import Router

/// `cluster.json`: what a local cluster is, written once by `atoll up`.
struct ClusterFile: Sendable {
    struct Node: Sendable, Hashable {
        var id: UInt64
        var name: String
        var region: String
        var peer: String
        var gossip: String
        var http: String
        var nfs: String
    }

    /// Where the nodes listen, and who makes their links long.
    enum Network: Sendable, Hashable {
        /// All on 127.0.0.1; each node delays what it sends itself.
        case loopback
        /// A network namespace a region; a router between them.
        case namespaces(Subnet)

        var name: String {
            switch self {
            case .loopback: "loopback"
            case .namespaces: "namespaces"
            }
        }
    }

    /// Grows with every change that an older program would misread.
    static let format: UInt64 = 4

    var id: String
    var name: String
    var regions: [String]
    /// The name of the region map, or `none`.
    var map: String
    var network: Network
    var nodes: [Node]
    /// The number of the next node that is added: numbers of nodes that were removed are not used again.
    var nextNode: UInt64

    func node(_ name: String) -> Node? { nodes.first { $0.name == name || "\($0.id)" == name || "n\($0.id)" == name } }

    func write(to path: String) throws {
        let text = JSONWriter.text { writer in
            writer.object { writer in
                writer.field("format", Self.format)
                writer.field("cluster_id", id)
                writer.field("name", name)
                writer.field("regions", strings: regions)
                writer.field("map", map)
                writer.field("network", network.name)
                if case .namespaces(let subnet) = network { writer.field("subnet", subnet.description) }
                writer.field("next_node", nextNode)
                writer.key("nodes")
                writer.array { writer in
                    for node in nodes {
                        writer.object {
                            $0.field("id", node.id)
                            $0.field("name", node.name)
                            $0.field("region", node.region)
                            $0.field("peer", node.peer)
                            $0.field("gossip", node.gossip)
                            $0.field("http", node.http)
                            $0.field("nfs", node.nfs)
                        }
                    }
                }
            }
        }
        try LocalFiles.write(text + "\n", to: path)
    }

    /// Nil where there is no such file.
    static func read(_ directory: ClusterDirectory, _ operation: String) throws -> ClusterFile? {
        let path = directory.clusterFile
        guard LocalFiles.exists(path) else { return nil }
        do {
            let json = try JSONParser.parse(try LocalFiles.read(path))
            let format = try json.unsigned("format")
            guard format == Self.format else {
                throw CommandFailure(
                    operation, directory.path,
                    "it was made by \(format > Self.format ? "a newer" : "an older") atoll (format \(format); this one knows \(Self.format))",
                    hint: "use that program, or another --data-dir")
            }
            return ClusterFile(
                id: try json.string("cluster_id"), name: try json.string("name"), regions: try json.strings("regions"),
                map: try json.string("map"), network: try network(json),
                nodes: try json.rows("nodes") { node throws(FileFailure) in
                    Node(
                        id: try node.unsigned("id"), name: try node.string("name"), region: try node.string("region"),
                        peer: try node.string("peer"),
                        gossip: try node.string("gossip"), http: try node.string("http"), nfs: try node.string("nfs"))
                }, nextNode: try json.unsigned("next_node"))
        } catch let error as JSONError {
            throw CommandFailure(operation, path, "it is damaged: \(error)", hint: "restore it from a backup")
        } catch let failure as FileFailure {
            throw CommandFailure(operation, path, "it is damaged: \(failure.object): \(failure.cause)", hint: "restore it from a backup")
        }
    }

    private static func network(_ json: JSON) throws(FileFailure) -> Network {
        switch try json.string("network") {
        case "loopback": return .loopback
        case "namespaces":
            if let subnet = Subnet(try json.string("subnet")) { return .namespaces(subnet) }
            throw FileFailure(.invalid, operation: "read", object: "subnet", cause: "it is not 10.X.0.0/16")
        case let name: throw FileFailure(.invalid, operation: "read", object: "network", cause: "\"\(name)\" is unknown")
        }
    }

    /// How the links between regions come about, in words.
    var linkWords: String {
        switch (network, map) {
        case (.loopback, "none"): "not shaped"
        case (.loopback, _): "shaped in process by the map \(map) (delay, jitter, window of a flow, capacity)"
        case (.namespaces, "none"): "the kernel's own TCP and UDP between network namespaces, not shaped"
        case (.namespaces, _):
            "shaped by a router between network namespaces by the map \(map) (delay, jitter, capacity; TCP and UDP are the kernel's own)"
        }
    }

    static func require(_ directory: ClusterDirectory, _ operation: String) throws -> ClusterFile {
        guard let cluster = try read(directory, operation) else {
            throw CommandFailure(
                operation, directory.path, "there is no cluster here", hint: "start one with `atoll up`, or name its --data-dir")
        }
        return cluster
    }

    func unknownNode(_ name: String, _ operation: String) -> CommandFailure {
        CommandFailure(operation, name, "there is no such node", hint: "the cluster has \(nodes.map(\.name).joined(separator: ", "))")
    }

    func unknownRegion(_ name: String, _ operation: String) -> CommandFailure {
        CommandFailure(operation, name, "there is no such region", hint: "the cluster has \(regions.joined(separator: ", "))")
    }
}

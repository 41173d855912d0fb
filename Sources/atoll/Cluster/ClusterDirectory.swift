import Foundation

/// Where everything of a local cluster lies.
struct ClusterDirectory: Sendable {
    let path: String
    /// The file of `--token-file`, which goes before the cluster's own.
    private var givenToken: String?

    init(_ options: EndpointOptions) {
        self.init(options.dataDirectory)
        givenToken = options.tokenFile
    }

    /// `--data-dir`, else `ATOLL_CLUSTER`, else `./atoll-data`.
    init(_ option: String?) {
        path = LocalFiles.absolute(option ?? ProcessInfo.processInfo.environment["ATOLL_CLUSTER"] ?? "atoll-data")
    }

    /// As files within the directory name each other.
    init(relative path: String) { self.path = path }

    /// The local cluster in whose directory a node's files lie; nil where they lie elsewhere.
    init?(around file: String) {
        var folder = LocalFiles.absolute(file)
        for _ in 0..<6 {
            if LocalFiles.exists("\(folder)/cluster.json") {
                path = folder
                return
            }
            guard folder != "/" else { return nil }
            folder = (folder as NSString).deletingLastPathComponent
        }
        return nil
    }

    var clusterFile: String { "\(path)/cluster.json" }
    var lockFile: String { "\(path)/lock" }
    var tokenFile: String { givenToken ?? "\(path)/admin-token" }
    var authority: String { "\(path)/ca" }
    var gossipKey: String { "\(path)/gossip-keys" }
    var map: String { "\(path)/map.yaml" }
    var linkRules: String { "\(path)/links.xdr" }
    var faults: String { "\(path)/faults.json" }
    /// The named pipe that ties nodes to the `up` that holds it, and who that is.
    var leash: String { "\(path)/leash" }
    var holder: String { "\(path)/up.json" }
    /// Who carries packets between regions that are network namespaces, and what it said.
    var router: String { "\(path)/router.json" }
    var routerLog: String { "\(path)/router.log" }
    var sessions: String { "\(path)/sessions.json" }
    func node(_ name: String) -> String { "\(path)/nodes/\(name)" }
    func configuration(_ name: String) -> String { "\(node(name))/config.yaml" }
    func log(_ name: String) -> String { "\(node(name))/log" }
    func ready(_ name: String) -> String { "\(node(name))/node.json" }
    func data(_ name: String) -> String { "\(node(name))/data" }
    func tls(_ name: String) -> String { "\(node(name))/tls" }

    /// Holds the lock of the directory while `body` changes it: two `up` at once would choose the same things twice.
    func locked<Result>(_ operation: String, _ body: () async throws -> Result) async throws -> Result {
        let file = open(lockFile, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard file >= 0 else { throw LocalFiles.failure("open", lockFile) }
        defer { close(file) }
        guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
            throw CommandFailure(operation, path, "another atoll is starting or stopping this cluster", hint: "wait for it")
        }
        return try await body()
    }
}

import APIClient
import APISchema
import Filesystem
import Foundation
import Primitives

/// The nodes that a verb about the whole cluster asks: those of a local cluster, by its files, or those
/// that a node knows which `--endpoint` or the environment names.
struct ClusterNodes: Sendable {
    let nodes: [ClusterFile.Node]
    let regions: [String]
    /// Nil where the cluster is not on this machine.
    let local: Local?
    /// Of a cluster elsewhere: what the node that was named knows.
    let seen: Seen?
    private let token: String

    struct Local: Sendable {
        let file: ClusterFile
        let directory: ClusterDirectory
    }

    struct Seen: Sendable {
        let by: String
        let cluster: String
        let catalog: [CatalogNodeReport]
        let members: [MemberReport]
    }

    static func find(_ options: EndpointOptions, _ operation: String) async throws -> ClusterNodes {
        if let remote = try RemoteEndpoint.named(by: options, operation) { return try await ask(remote, operation) }
        let directory = ClusterDirectory(options)
        return ClusterNodes(try ClusterFile.require(directory, operation), directory)
    }

    init(_ file: ClusterFile, _ directory: ClusterDirectory) {
        nodes = file.nodes
        regions = file.regions
        local = Local(file: file, directory: directory)
        seen = nil
        token = (try? LocalFiles.text(directory.tokenFile).trimmingCharacters(in: .whitespacesAndNewlines)) ?? ""
    }

    private init(nodes: [ClusterFile.Node], seen: Seen, token: String) {
        self.nodes = nodes
        regions = nodes.reduce(into: []) { if !$0.contains($1.region) { $0.append($1.region) } }
        local = nil
        self.seen = seen
        self.token = token
    }

    /// All nodes that one node knows, with the addresses that it knows them by.
    private static func ask(_ remote: RemoteEndpoint, _ operation: String) async throws -> ClusterNodes {
        let options = APIClientOptions(timeout: .seconds(5), connectTimeout: .seconds(3), retryFor: .zero)
        let client = APIClient(address: remote.address, token: remote.token, options: options)
        let result: Result<ClusterNodes, any Error>
        do {
            let nodes = try await telling(operation, to: remote) {
                let report = try await client.status()
                let catalog = try await client.nodes().filter { $0.state != "removed" }.sorted { $0.id < $1.id }
                let seen = Seen(
                    by: catalog.first { $0.id == report.node }?.name ?? "\(report.node)", cluster: report.cluster, catalog: catalog,
                    members: try await client.members())
                return ClusterNodes(
                    nodes: catalog.map { node in
                        func address(_ name: String) -> String { node.endpoints.first { $0.name == name }?.address ?? "-" }
                        // The node that was named is asked where it was found, whatever it calls itself.
                        return ClusterFile.Node(
                            id: node.id.rawValue, name: node.name, region: node.region.name, peer: address("peer"),
                            gossip: address("gossip"), http: node.id == report.node ? remote.address : address("http"), nfs: address("nfs"))
                    }, seen: seen, token: remote.token)
            }
            result = .success(nodes)
        } catch {
            result = .failure(error)
        }
        await client.shutdown()
        return try result.get()
    }

    func node(_ name: String, _ operation: String) throws -> ClusterFile.Node {
        guard let found = nodes.first(where: { $0.name == name || "\($0.id)" == name || "n\($0.id)" == name }) else {
            throw CommandFailure(
                operation, name, "there is no such node", hint: "the cluster has \(nodes.map(\.name).joined(separator: ", "))")
        }
        return found
    }

    /// Where a node's API can be asked now; nil where it does not run here.
    private func address(_ node: ClusterFile.Node) -> String? {
        guard let local else { return node.http == "-" ? nil : node.http }
        guard let ready = ReadyFile.read(local.directory.ready(node.name)), ready.process.state == .running else { return nil }
        return LiveNetwork.http(ready, local.directory)
    }

    /// What nodes said to a question.
    struct Asked<Answer: Sendable>: Sendable {
        var answers: [(node: ClusterFile.Node, answer: Answer)] = []
        /// Those that do not take the token.
        var refused: [ClusterFile.Node] = []
    }

    private enum Said<Answer: Sendable>: Sendable {
        case answer(Answer)
        case refusal
        case nothing
    }

    /// The same question to several nodes at the same time; those that do not answer within the bound are left out.
    func ask<Answer: Sendable>(
        _ some: [ClusterFile.Node]? = nil, within bound: Duration = .seconds(2),
        _ question: @Sendable @escaping (APIClient) async throws -> Answer
    ) async -> [(node: ClusterFile.Node, answer: Answer)] {
        await poll(some, within: bound, question).answers
    }

    /// As `ask`, for a verb that has nothing to show without an answer: fails where nodes answer and none takes the token.
    func ask<Answer: Sendable>(
        for operation: String, _ some: [ClusterFile.Node]? = nil, _ question: @Sendable @escaping (APIClient) async throws -> Answer
    ) async throws -> [(node: ClusterFile.Node, answer: Answer)] {
        let asked = await poll(some, question)
        if asked.answers.isEmpty, !asked.refused.isEmpty { throw refusal(operation) }
        return asked.answers
    }

    /// No node takes the token.
    func refusal(_ operation: String) -> CommandFailure {
        CommandFailure(
            operation, local?.directory.path ?? seen?.by ?? "", "the token is not valid here",
            hint: local.map { "is \($0.directory.tokenFile) that of this cluster?" }
                ?? "give a token of this cluster: ATOLL_TOKEN, ATOLL_TOKEN_FILE or --token-file")
    }

    /// As `ask`, and says who refused the token.
    func poll<Answer: Sendable>(
        _ some: [ClusterFile.Node]? = nil, within bound: Duration = .seconds(2),
        _ question: @Sendable @escaping (APIClient) async throws -> Answer
    ) async -> Asked<Answer> {
        await withTaskGroup(of: (ClusterFile.Node, Said<Answer>).self) { group in
            for node in some ?? nodes {
                guard let address = address(node) else { continue }
                group.addTask {
                    let options = APIClientOptions(timeout: bound / 2, connectTimeout: .seconds(1), retryFor: .zero)
                    let client = APIClient(address: address, token: token, options: options)
                    let said: Said<Answer>
                    do {
                        said = .answer(try await Bounded.run(bound) { try await question(client) })
                    } catch {
                        said = (error as? FileFailure)?.isAboutToken == true ? .refusal : .nothing
                    }
                    await client.shutdown()
                    return (node, said)
                }
            }
            var out = Asked<Answer>()
            for await (node, said) in group {
                switch said {
                case .answer(let answer): out.answers.append((node, answer))
                case .refusal: out.refused.append(node)
                case .nothing: break
                }
            }
            out.answers.sort { $0.node.id < $1.node.id }
            out.refused.sort { $0.id < $1.id }
            return out
        }
    }

    /// Nodes that answer, best first: whoever leads the catalog in the newest term, then those that hear its
    /// leader. A node that is cut off from the others can not change anything.
    func usable() async -> [ClusterFile.Node] {
        let found = await ask { client in try await client.status() }
        func rank(_ report: NodeReport) -> (Int, UInt64) {
            guard let catalog = report.groups.first(where: { $0.filesystem == nil && $0.id.rawValue == 0 }) else { return (0, 0) }
            return (catalog.leader == nil ? 0 : catalog.leader == report.node ? 2 : 1, catalog.term)
        }
        return found.filter { $0.answer.state == "ready" }.sorted { a, b in
            let (one, other) = (rank(a.answer), rank(b.answer))
            // Among those who know a leader the newest term counts first: an old leader may not know yet that it is none.
            if (one.0 == 0) != (other.0 == 0) { return one.0 > 0 }
            return one.1 != other.1 ? one.1 > other.1 : one.0 != other.0 ? one.0 > other.0 : a.node.id < b.node.id
        }.map(\.node)
    }
}

import APIClient
import Filesystem
import NodeRuntime
import Primitives
import ReplicaStorage
import Replication

/// `atoll check namespace --repair`: groups whose snapshot is destroyed get another node's.
extension CheckNamespace {
    /// What was done for one node's directory, in sentences.
    func fill(_ name: String, _ path: String) async throws -> [String] {
        let repair: ReplicaRepair
        do {
            repair = try ReplicaRepair(path)
        } catch {
            throw CommandFailure(Self.operation, path, "\(error)", hint: "see `atoll check log \(path) --repair`")
        }
        defer { repair.close() }
        guard !repair.damages.isEmpty else { return [] }
        func label(_ damage: ReplicaDamage) -> String {
            damage.group == .catalog
                ? "the catalog" : repair.names[damage.group].map { "\($0.kind.noun) '\($0.label)'" } ?? "group \(damage.group)"
        }
        let what = repair.damages.map(label).joined(separator: ", ")
        try Terminal.confirm(
            "Take \(what) of \(name) from another node of the cluster? What is destroyed is kept under another name.", yes: confirm.yes,
            operation: Self.operation, object: name)
        let sources = try await sources(path)
        var done: [String] = []
        for damage in repair.damages {
            let (from, kept) = try await fill(damage, label(damage), repair, sources)
            done.append(
                "\(name): \(label(damage)) was taken from \(from)\(kept.map { "; what was destroyed is \($0)" } ?? "")")
        }
        return done
    }

    /// The nodes that can be asked: of the cluster that is named, or in whose directory these files lie.
    private func sources(_ path: String) async throws -> ClusterNodes {
        if cluster.endpoint == nil, cluster.dataDirectory == nil, let directory = ClusterDirectory(around: path) {
            return ClusterNodes(try ClusterFile.require(directory, Self.operation), directory)
        }
        return try await ClusterNodes.find(cluster, Self.operation)
    }

    /// The first node whose state can be taken up, and the name of what was set aside.
    private func fill(_ damage: ReplicaDamage, _ label: String, _ repair: ReplicaRepair, _ sources: ClusterNodes) async throws -> (
        String, String?
    ) {
        var causes: [String] = []
        for node in await sources.usable() {
            let answer = await sources.ask([node], within: .seconds(600)) {
                client -> Result<(metadata: [UInt8], content: [UInt8]), FileFailure> in
                do throws(FileFailure) {
                    return .success(try await client.snapshot(of: damage.group, cluster: repair.cluster))
                } catch {
                    return .failure(error)
                }
            }
            switch answer.first?.answer {
            case .success(let snapshot)?:
                do {
                    return (node.name, try repair.fill(damage, metadata: snapshot.metadata, content: snapshot.content))
                } catch {
                    causes.append("\(node.name): \(error)")
                }
            case .failure(let failure)?: causes.append("\(node.name): \(failure.cause)")
            case nil: causes.append("\(node.name) does not answer")
            }
        }
        throw CommandFailure(
            Self.operation, label, causes.isEmpty ? "no other node of the cluster answers" : causes.joined(separator: "; "),
            hint: "start the others with `atoll up`, or name one by --endpoint; nothing was changed")
    }
}

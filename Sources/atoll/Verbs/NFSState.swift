import APIClient
import APISchema
import ArgumentParser
import Filesystem
import Primitives

/// Who holds what of a network file system.
struct NFSClients: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "clients", abstract: "List the clients of NFS servers that have opens or locks.")
    @Argument(help: "A network file system; all of the environment without it.") var name: String?
    @OptionGroup var target: TargetOptions
    @OptionGroup var output: OutputOptions

    private struct Row: JSONEncodable {
        var filesystem: FilesystemReport
        var client: NFSClientReport
        func write(to writer: inout JSONWriter) {
            writer.object {
                $0.field("filesystem", filesystem.label)
                $0.field("client", client)
            }
        }
    }

    func run() async throws {
        let verb = FilesystemVerb(kind: .nfs, verb: "clients", target: target)
        try await verb.run { connection in
            var found: [FilesystemReport] = []
            if let name {
                found = [try await verb.find(name, connection)]
            } else {
                found = try await connection.client.filesystems(kind: .nfs, environment: target.environment)
            }
            var rows: [Row] = []
            for filesystem in found {
                let state = try await connection.client.nfsState(filesystem.id)
                rows += state.clients.map { Row(filesystem: filesystem, client: $0) }
            }
            if output.json { return Show.json("clients", rows) }
            var table = Table("Filesystem", "Client", "Address", "Version", "Region", "Node", ">Locks", ">Lease left")
            for row in rows {
                let client = row.client
                table.add(
                    row.filesystem.label, String(decoding: client.owner, as: UTF8.self), client.address, client.version,
                    client.region?.name ?? "-", client.node.description, String(client.locks),
                    client.leaseMilliseconds == 0 ? "over" : "\((client.leaseMilliseconds + 999) / 1_000) s")
            }
            table.show()
        }
    }
}

struct NFSLocks: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "locks", abstract: "List the locks that are held, by NFS clients, mounts and sessions of the API.")
    @Argument var name: String
    @OptionGroup var target: TargetOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let verb = FilesystemVerb(kind: .nfs, verb: "locks", target: target)
        try await verb.run { connection in
            let state = try await connection.client.nfsState(try await verb.find(name, connection).id)
            if output.json { return Show.json("locks", state.locks) }
            var table = Table("Inode", "Range", "Mode", "Holder", "Address", "Region", "Node", ">Lease left")
            for lock in state.locks {
                let client = state.clients.first { $0.number == lock.client && $0.node == lock.node }
                let end = lock.length.map { String(lock.start + $0) } ?? "end"
                let lease = client.map { $0.leaseMilliseconds == 0 ? "over" : "\(($0.leaseMilliseconds + 999) / 1_000) s" }
                table.add(
                    String(lock.inode.rawValue), "\(lock.start)..\(end)", lock.isExclusive ? "write" : "read",
                    client.map { String(decoding: $0.owner, as: UTF8.self) } ?? "a mount or session", client?.address ?? "-",
                    lock.region?.name ?? "-", lock.node.description, lease ?? "-")
            }
            table.show()
        }
    }
}

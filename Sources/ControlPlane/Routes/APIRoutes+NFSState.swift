internal import APISchema
internal import Filesystem
internal import Hummingbird
internal import NodeRuntime
internal import Primitives
internal import Replication

/// Who holds what of a network file system.
extension APIRoutes {
    var nfsState: [APIRoute] {
        [
            APIRoute(
                method: .get, path: "/v1/filesystems/{id}/nfs-state", name: "getNFSState",
                about:
                    "Clients of NFS servers that have opens or locks in a network file system, and all its locks, of mounts and sessions too.",
                givesSchema: "NFSState"
            ) { request in
                let value = try await inSession(request, readOnly: true) { session, _ in try await session.perform(.client(.list)).value }
                guard case .client(.list(let clients, let locks)) = value else {
                    throw FileFailure(.ioError, operation: "list", object: "clients", cause: "the node gave another answer")
                }
                let members = await service.status().members
                func region(_ node: NodeID) -> RegionID? { members.first { $0.id == node }?.region }
                return .json(
                    NFSStateReport(
                        clients: clients.map { client in
                            let held = locks.count {
                                $0.lock.owner.node == client.entry.node && $0.lock.owner.session == client.entry.session
                            }
                            return NFSClientReport(client, region: region(client.entry.node), locks: UInt64(held))
                        },
                        locks: locks.map { NFSLockReport($0, region: region($0.lock.owner.node)) }))
            }
        ]
    }
}

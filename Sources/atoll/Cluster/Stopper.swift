/// Ends the nodes of a local cluster: asks them all, waits, and kills those that do not go. Then the router
/// ends, where there is one: nodes take their leave over it.
enum Stopper {
    /// Returns how many were running, and which had to be killed.
    static func stop(_ cluster: ClusterFile, _ directory: ClusterDirectory, bound: Duration = .seconds(10)) async -> (
        stopped: Int, killed: [String]
    ) {
        let running = cluster.nodes.compactMap { node -> (name: String, process: NodeProcess)? in
            guard let ready = ReadyFile.read(directory.ready(node.name)), ready.process.state != .gone else { return nil }
            return (node.name, ready.process)
        }
        for node in running {
            node.process.signal(15)
            // A paused node hears nothing until it goes on.
            node.process.signal(18)
        }
        let killed = await withTaskGroup(of: String?.self) { group in
            for node in running {
                group.addTask {
                    if await node.process.waitUntilGone(bound) { return nil }
                    node.process.signal(9)
                    _ = await node.process.waitUntilGone(.seconds(5))
                    return node.name
                }
            }
            var names: [String] = []
            for await name in group { if let name { names.append(name) } }
            return names.sorted()
        }
        let isRouterKilled = !(await LiveNetwork.stop(directory))
        return (running.count, killed + (isRouterKilled ? ["router"] : []))
    }
}

import Primitives

// Nodes, regions and the identity of the cluster.

extension CatalogState {
    mutating func runNode(_ command: CatalogCommand) throws(CatalogError) -> CatalogOutcome {
        switch command.action {
        case .bootstrap(let high, let low, let name, let format, let nodes, let plan):
            return try bootstrap(
                Cluster(high: high, low: low, name: name, format: format, created: command.at), nodes: nodes, plan: plan, command)
        case .registerNode(let node, let number): return try registerNode(node, number, command)
        case .updateNode(let id, let endpoints, let weight): return try updateNode(id, endpoints, weight, command)
        case .drainNode(let id): return try setState(of: id, .draining, command)
        case .resumeNode(let id): return try setState(of: id, .active, command)
        case .removeNode(let id, let force): return try removeNode(id, force: force, command)
        default: preconditionFailure("\(command.action.operation) is no command about nodes")
        }
    }

    private mutating func bootstrap(
        _ new: Cluster, nodes introductions: [NodeIntroduction], plan: ReplicaPlan, _ command: CatalogCommand
    ) throws(CatalogError) -> CatalogOutcome {
        let operation = command.action.operation
        if let cluster {
            guard cluster.high == new.high, cluster.low == new.low else {
                throw CatalogError(
                    .alreadyExists, operation, "'\(CatalogName.shown(new.name))'",
                    "this is cluster '\(cluster.name)' (\(cluster.id)) already",
                    hint: "use another data directory for another cluster")
            }
            return .done
        }
        try CatalogName.check("cluster", plain: new.name, operation)
        guard new.format == CatalogLimits.format else {
            throw CatalogError(
                .invalidArgument, operation, "'\(new.name)'",
                "format \(new.format) is not known; this version writes format \(CatalogLimits.format)",
                hint: "use the software that made the cluster, or a newer one")
        }
        guard !introductions.isEmpty else { throw CatalogError(.invalidArgument, operation, "'\(new.name)'", "a cluster needs a node") }
        for (position, node) in introductions.enumerated() {
            try check(node, operation)
            guard !introductions[..<position].contains(where: { $0.name == node.name }) else {
                throw CatalogError(.invalidArgument, operation, "node '\(node.name)'", "the name is given twice")
            }
        }
        if let fault = plan.fault { throw CatalogError(.invalidArgument, operation, "plan of the catalog", fault) }
        for replica in plan.replicas {
            guard (1...UInt64(introductions.count)).contains(replica.node.rawValue),
                introductions[Int(replica.node.rawValue) - 1].region == replica.region
            else { throw CatalogError(.invalidArgument, operation, "plan of the catalog", "\(replica) is none of the nodes") }
        }
        cluster = new
        catalogPlan = plan
        catalogPlanRevision = 1
        let main = EnvironmentRecord(name: .main, created: command.at, createdBy: command.by)
        environments[.main] = main
        note(.bootstrapped, new.name, command)
        for introduction in introductions { _ = add(introduction, command) }
        return .done
    }

    func check(_ node: NodeIntroduction, _ operation: String) throws(CatalogError) {
        try CatalogName.check("node", plain: node.name, operation)
        try CatalogName.check("region", plain: node.region.name, operation)
        try check(weight: node.weight, operation, node.name)
        try check(endpoints: node.endpoints, operation, node.name)
    }

    private func check(weight: UInt32, _ operation: String, _ name: String) throws(CatalogError) {
        guard !(1...NodeRecord.maximumWeight).contains(weight) else { return }
        throw CatalogError(.invalidArgument, operation, "'\(name)'", "weight \(weight) is not within 1 to \(NodeRecord.maximumWeight)")
    }

    private func check(endpoints: [NodeEndpoint], _ operation: String, _ name: String) throws(CatalogError) {
        func fail(_ cause: String) -> CatalogError { CatalogError(.invalidArgument, operation, "'\(name)'", cause) }
        guard endpoints.count <= NodeRecord.maximumEndpoints else { throw fail("more than \(NodeRecord.maximumEndpoints) endpoints") }
        for (position, endpoint) in endpoints.enumerated() {
            guard (1...NodeEndpoint.maximumKeyLength).contains(endpoint.key.utf8.count), CatalogName.isPlain(endpoint.key) else {
                throw fail("'\(CatalogName.shown(endpoint.key))' is no name of an endpoint")
            }
            guard (1...NodeEndpoint.maximumHostLength).contains(endpoint.host.utf8.count), endpoint.port > 0 else {
                throw fail("endpoint '\(endpoint.key)' needs a host and a port")
            }
            guard !endpoints[..<position].contains(where: { $0.key == endpoint.key }) else {
                throw fail("endpoint '\(endpoint.key)' is given twice")
            }
        }
    }

    mutating func add(_ node: NodeIntroduction, number: NodeID? = nil, _ command: CatalogCommand) -> NodeRecord {
        let record = NodeRecord(
            id: number ?? NodeID(nextNode), region: node.region, name: node.name, endpoints: node.endpoints.sorted(), weight: node.weight,
            store: node.store, state: .active, joined: command.at, changed: command.at)
        nextNode = max(nextNode, record.id.rawValue + 1)
        nodesRevision += 1
        put(record)
        if !regions.contains(node.region) { regions[node.region] = RegionRecord(id: node.region, since: command.at) }
        note(.joined, record.id, command, "\(node.name) in \(node.region)")
        return record
    }

    /// The one place where records of nodes are written.
    mutating func put(_ record: NodeRecord) {
        nodes[record.id] = record
        touches.noteNodes()
    }

    private func existing(_ id: NodeID, _ operation: String) throws(CatalogError) -> NodeRecord {
        guard let node = nodes[id] else {
            throw CatalogError(.notFound, operation, id.description, "there is no such node", hint: "see `atoll node list`")
        }
        guard node.state != .removed else {
            throw CatalogError(
                .refused, operation, id.description, "the node was removed at \(node.changed.utcText)",
                hint: "start it anew: it joins under a new number")
        }
        return node
    }

    private mutating func updateNode(
        _ id: NodeID, _ endpoints: [NodeEndpoint]?, _ weight: UInt32?, _ command: CatalogCommand
    ) throws(CatalogError) -> CatalogOutcome {
        let operation = command.action.operation
        var node = try existing(id, operation)
        let before = node
        if let endpoints {
            try check(endpoints: endpoints, operation, node.name)
            node.endpoints = endpoints.sorted()
        }
        if let weight {
            try check(weight: weight, operation, node.name)
            node.weight = weight
        }
        guard node != before else { return .node(node) }
        node.changed = command.at
        if node.weight != before.weight { nodesRevision += 1 }
        put(node)
        note(.updated, id, command)
        return .node(node)
    }

    private mutating func setState(
        of id: NodeID, _ state: NodeRecord.State, _ command: CatalogCommand
    ) throws(CatalogError) -> CatalogOutcome {
        var node = try existing(id, command.action.operation)
        guard node.state != state else { return .node(node) }
        node.state = state
        node.changed = command.at
        nodesRevision += 1
        put(node)
        note(state == .active ? .resumed : .drained, id, command)
        return .node(node)
    }

    private mutating func removeNode(_ id: NodeID, force: Bool, _ command: CatalogCommand) throws(CatalogError) -> CatalogOutcome {
        let operation = command.action.operation
        var node = try existing(id, operation)
        guard nodes.values.contains(where: { $0.id != id && $0.state != .removed }) else {
            throw CatalogError(.refused, operation, id.description, "it is the last node of the cluster")
        }
        if !force {
            if catalogPlan?.isVoter(id) ?? false {
                throw CatalogError(
                    .refused, operation, id.description, "it votes in the catalog",
                    hint: "drain it first and wait, or remove it by force (`--force`)")
            }
            let holding = filesystems.values.filter { $0.isActive && $0.plan.contains(id) }
            if let one = holding.first {
                let more = holding.count > 1 ? " and \(holding.count - 1) more" : ""
                throw CatalogError(
                    .refused, operation, id.description, "it holds replicas of \(one.label)\(more)",
                    hint: "drain it first and wait, or remove it by force (`--force`)")
            }
            guard node.state == .draining else {
                throw CatalogError(
                    .refused, operation, id.description, "it is active and may hold content that no other node has",
                    hint: "drain it first and wait, or remove it by force (`--force`)")
            }
            if let one = unsettled.first {
                throw CatalogError(
                    .refused, operation, id.description, "content of \(one.label) that it may hold is being copied elsewhere",
                    hint: "drain it and wait until `atoll node list` shows it drained, or remove it by force (`--force`)")
            }
        }
        node.state = .removed
        node.changed = command.at
        nodesRevision += 1
        put(node)
        note(.removed, id, command, force ? "forced" : "")
        return .node(node)
    }
}

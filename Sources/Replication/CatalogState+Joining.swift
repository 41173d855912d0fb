package import Primitives

// Nodes that join, and what keeps one from leaving.

extension CatalogState {
    /// A new node, or one that is known and comes with other endpoints or another weight. The number is
    /// that of its certificate: it belongs to one name, one region and one data directory for ever.
    mutating func registerNode(_ node: NodeIntroduction, _ number: NodeID?, _ command: CatalogCommand) throws(CatalogError)
        -> CatalogOutcome
    {
        let operation = command.action.operation
        try check(node, operation)
        if let number, number.rawValue == 0 || number.rawValue > CatalogLimits.highestNode {
            throw CatalogError(
                .invalidArgument, operation, "'\(node.name)'",
                "the number \(number.rawValue) is not within 1 to \(CatalogLimits.highestNode)")
        }
        let named = self.node(named: node.name)
        guard let known = number.map({ nodes[$0] }) ?? named else {
            if let named { throw taken(node, by: named, operation) }
            return .node(try admit(node, number, command))
        }
        guard known.state != .removed else {
            throw CatalogError(
                .refused, operation, "'\(node.name)'", "\(known.id) was removed from the cluster at \(known.changed.utcText)",
                hint: "numbers are not used again: issue a certificate with a new one, and begin with an empty data directory")
        }
        guard known.name == node.name, known.region == node.region else { throw taken(node, by: known, operation) }
        guard known.store == 0 || node.store == 0 || known.store == node.store else {
            throw CatalogError(
                .refused, operation, "'\(node.name)'", "\(known.id) joined with another data directory, or on another machine",
                hint: "a node without its data joins under a new number; if \(known.id) is lost, remove it with force")
        }
        return .node(update(known, node, command))
    }

    private func taken(_ node: NodeIntroduction, by known: NodeRecord, _ operation: String) -> CatalogError {
        guard known.name == node.name else {
            return CatalogError(
                .alreadyExists, operation, "'\(node.name)'", "the number \(known.id) belongs to '\(known.name)' in \(known.region)",
                hint: "issue a certificate with a number that no node has or had")
        }
        guard known.region != node.region else {
            return CatalogError(
                .alreadyExists, operation, "'\(node.name)'", "\(known.id) has that name",
                hint: "choose another name, or remove \(known.id) first")
        }
        return CatalogError(
            .alreadyExists, operation, "'\(node.name)'",
            "\(known.id) has that name and is in region \(known.region), not \(node.region)",
            hint: "choose another name, or remove \(known.id) first")
    }

    private mutating func admit(_ node: NodeIntroduction, _ number: NodeID?, _ command: CatalogCommand) throws(CatalogError) -> NodeRecord {
        let operation = command.action.operation
        guard nodes.count < CatalogLimits.nodes else {
            throw CatalogError(.exhausted, operation, "'\(node.name)'", "the cluster has had \(nodes.count) nodes, which is the limit")
        }
        guard node.beginsRegion || regions.contains(node.region) else {
            throw CatalogError(
                .notFound, operation, "'\(node.name)'", "the cluster has no region '\(node.region)'",
                hint: "it has \(regions.keys.prefix(16).map(\.name).joined(separator: ", ")); set node.new_region to begin another one")
        }
        return add(node, number: number, command)
    }

    private mutating func update(_ known: NodeRecord, _ node: NodeIntroduction, _ command: CatalogCommand) -> NodeRecord {
        var record = known
        record.endpoints = node.endpoints.sorted()
        record.weight = node.weight
        if node.store != 0 { record.store = node.store }
        guard record != known else { return known }
        record.changed = command.at
        if record.weight != known.weight { nodesRevision += 1 }
        put(record)
        note(.updated, record.id, command)
        return record
    }

    // MARK: Leaving

    /// Active file systems whose content may not yet be where the present set of nodes wants it.
    package var unsettled: [FilesystemRecord] {
        filesystems.values.filter { $0.isActive && !($0.isSettled && $0.settledNodes == nodesRevision) }
    }

    /// What a node still has that others need, in a few words; nil where it may go.
    package func holdings(of node: NodeID) -> String? {
        var parts: [String] = []
        if catalogPlan?.isVoter(node) ?? false || catalogSettledPlan != catalogPlanRevision { parts.append("a vote in the catalog") }
        let replicas = filesystems.values.count { $0.isActive && $0.plan.contains(node) }
        if replicas > 0 { parts.append("\(replicas) replica\(replicas == 1 ? "" : "s")") }
        let copying = unsettled
        if let one = copying.first { parts.append("content of \(one.label)\(copying.count > 1 ? " and \(copying.count - 1) more" : "")") }
        return parts.isEmpty ? nil : parts.joined(separator: ", ")
    }

    /// Whether a draining node has nothing left that others need.
    package func isDrained(_ node: NodeID) -> Bool { nodes[node]?.state == .draining && holdings(of: node) == nil }
}

import Primitives

// Creating, renaming, deleting and configuring file systems.

extension CatalogState {
    // MARK: Creating

    mutating func createFilesystem(_ request: FilesystemRequest, _ command: CatalogCommand) throws(CatalogError) -> CatalogOutcome {
        let operation = command.action.operation
        if case .ephemeral(let owner) = request.mode { return try createEphemeral(request, owner: owner, command) }
        guard let name = request.name else {
            throw CatalogError(.invalidArgument, operation, "", "a name is needed", hint: "only ephemeral ones have none")
        }
        try CatalogName.check(request.kind, name, operation)
        try requireEnvironment(request.environment, operation)
        let selector = FilesystemSelector.name(name, request.kind, request.environment)
        if let id = names[NameKey(environment: request.environment, name: name)], let found = filesystems[id] {
            return .filesystem(try accept(found, for: request, selector, operation), created: false)
        }
        guard request.mode != .lookup else { throw missing(selector, operation) }
        return .filesystem(try add(request, name: name, owner: nil, command), created: true)
    }

    /// Whether an existing file system is what was asked for.
    private func accept(
        _ found: FilesystemRecord, for request: FilesystemRequest, _ selector: FilesystemSelector, _ operation: String
    ) throws(CatalogError) -> FilesystemRecord {
        guard found.kind == request.kind else { throw wrongKind(found, selector, operation, wanted: request.kind) }
        if request.mode == .createFailIfExists {
            throw CatalogError(
                .alreadyExists, operation, selector.description, "\(found.kind.aNoun) of that name exists (\(found.id))",
                hint: "choose another name, or delete it with `atoll \(found.kind.word) delete \(found.label)`")
        }
        if request.expectedVersion != 0, request.expectedVersion != found.options.version {
            throw CatalogError(
                .invalidArgument, operation, selector.description,
                "it exists but has version v\(found.options.version), not v\(request.expectedVersion)",
                hint: "leave the version out to use it as it is")
        }
        return found
    }

    private mutating func createEphemeral(
        _ request: FilesystemRequest, owner: AppID, _ command: CatalogCommand
    ) throws(CatalogError) -> CatalogOutcome {
        let operation = command.action.operation
        guard request.name == nil else {
            throw CatalogError(
                .invalidArgument, operation, "'\(CatalogName.shown(request.name ?? ""))'", "an ephemeral file system has no name")
        }
        let app = try runningApp(.id(owner), operation)
        guard app.environment == request.environment else {
            throw CatalogError(
                .invalidArgument, operation, owner.description, "the app is in environment \(app.environment), not \(request.environment)")
        }
        guard app.filesystems.count < AppRecord.maximumFilesystems else {
            throw CatalogError(
                .exhausted, operation, owner.description, "the app owns \(app.filesystems.count) ephemeral file systems, which is the limit"
            )
        }
        let record = try add(request, name: nil, owner: owner, command)
        _ = apps.update(owner) { app in
            app.filesystems.append(record.id)
            app.filesystems.sort()
        }
        return .filesystem(record, created: true)
    }

    private mutating func add(
        _ request: FilesystemRequest, name: String?, owner: AppID?, _ command: CatalogCommand
    ) throws(CatalogError) -> FilesystemRecord {
        let operation = command.action.operation
        let id = FilesystemID(kind: request.kind, high: request.high, low: request.low)
        let object = name.map { "'\($0)'" } ?? id.description
        if let fault = request.options.fault ?? request.policy.fault(for: request.kind) {
            throw CatalogError(.invalidArgument, operation, object, fault)
        }
        guard filesystems.count < CatalogLimits.filesystems else {
            throw CatalogError(
                .exhausted, operation, object, "there are \(filesystems.count) file systems, which is the limit", hint: "delete some")
        }
        guard !filesystems.contains(id) else {
            throw CatalogError(.conflict, operation, object, "the id \(id) is taken", hint: "ask again")
        }
        try check(request.plan, for: GroupPurpose(request.kind), region: request.region, operation, object)
        let record = FilesystemRecord(
            id: id, group: GroupID(nextGroup), name: name, environment: request.environment, region: request.region,
            policy: request.policy, plan: request.plan, planRevision: 1, options: request.options, created: command.at,
            createdBy: command.by, state: .active, owner: owner)
        nextGroup += 1
        put(record)
        groups[record.group] = id
        if let name { names[NameKey(environment: request.environment, name: name)] = id }
        note(.created, id, command, owner: owner, name.map { "\(request.kind.noun) '\($0)'" } ?? "ephemeral \(request.kind.noun)")
        return record
    }

    /// Whether a plan can be put in force: its nodes are here, and those that get something new accept it.
    private func check(
        _ plan: ReplicaPlan, for purpose: GroupPurpose, region: RegionID, keeping old: ReplicaPlan? = nil, _ operation: String,
        _ object: String
    ) throws(CatalogError) {
        guard regions.contains(region) else {
            throw CatalogError(
                .notFound, operation, object, "unknown region '\(CatalogName.shown(region.name))'",
                hint: "the cluster has \(regions.keys.prefix(16).map(\.name).joined(separator: ", "))")
        }
        guard plan.purpose == purpose, plan.home == region else {
            throw CatalogError(.invalidArgument, operation, object, "its plan is for another purpose or region")
        }
        if let fault = plan.fault { throw CatalogError(.invalidArgument, operation, object, "bad plan: \(fault)") }
        for replica in plan.replicas {
            guard let node = nodes[replica.node], node.region == replica.region, node.state != .removed else {
                throw CatalogError(.conflict, operation, object, "\(replica) is no node of the cluster (any more)", hint: "ask again")
            }
            let isNew = !(old?.contains(node.id) ?? false)
            guard node.state == .active || !isNew || purpose == .catalog && !plan.isVoter(node.id) else {
                throw CatalogError(.conflict, operation, object, "\(replica.node) is \(node.state.word)", hint: "ask again")
            }
        }
    }

    /// The one place where records are written, but for settlements, which happen most.
    private mutating func put(_ record: FilesystemRecord) {
        filesystems[record.id] = record
        touches.note(record.group)
    }

    // MARK: Changing

    mutating func renameFilesystem(
        _ selector: FilesystemSelector, to name: String, _ command: CatalogCommand
    ) throws(CatalogError) -> CatalogOutcome {
        let operation = command.action.operation
        var record = try find(selector, operation)
        try CatalogName.check(record.kind, name, operation)
        guard let old = record.name else {
            throw CatalogError(.refused, operation, record.id.description, "an ephemeral \(record.kind.noun) has no name")
        }
        guard old != name else { return .filesystem(record, created: false) }
        let key = NameKey(environment: record.environment, name: name)
        if let taken = names[key].flatMap({ filesystems[$0] }) {
            throw CatalogError(
                .alreadyExists, operation, selector.description, "'\(name)' is the name of \(taken.kind.aNoun) (\(taken.id))",
                hint: "choose another name")
        }
        names[NameKey(environment: record.environment, name: old)] = nil
        names[key] = record.id
        record.name = name
        put(record)
        note(.renamed, record.id, command, "'\(old)' to '\(name)'")
        return .filesystem(record, created: false)
    }

    mutating func setOptions(
        _ selector: FilesystemSelector, _ options: FilesystemOptions?, _ policy: ReplicationPolicy?, _ command: CatalogCommand
    ) throws(CatalogError) -> CatalogOutcome {
        let operation = command.action.operation
        var record = try find(selector, operation)
        let before = record
        if let fault = options?.fault ?? policy?.fault(for: record.kind) {
            throw CatalogError(.invalidArgument, operation, selector.description, fault)
        }
        if let options {
            guard options.version == record.options.version else {
                throw CatalogError(
                    .refused, operation, selector.description, "its version is v\(record.options.version) and stays so",
                    hint: "clone it into a new one")
            }
            record.options = options
        }
        if let policy { record.policy = policy }
        guard record != before else { return .filesystem(record, created: false) }
        put(record)
        note(.configured, record.id, command)
        return .filesystem(record, created: false)
    }

    mutating func changePlacement(
        _ group: GroupID, _ plan: ReplicaPlan, expectedRevision: UInt64, _ command: CatalogCommand
    ) throws(CatalogError) -> CatalogOutcome {
        let operation = command.action.operation
        func stale(_ revision: UInt64) -> CatalogError {
            CatalogError(
                .conflict, operation, group.description, "the plan is at revision \(revision), not \(expectedRevision)",
                hint: "plan again from the new one")
        }
        if group == .catalog {
            guard catalogPlanRevision == expectedRevision else { throw stale(catalogPlanRevision) }
            try check(plan, for: .catalog, region: plan.home, keeping: catalogPlan, operation, "catalog")
            catalogPlan = plan
            catalogPlanRevision += 1
            note(.moved, group, command, plan.statement)
            return .done
        }
        guard let id = groups[group], var record = filesystems[id], record.isActive else {
            throw CatalogError(.notFound, operation, group.description, "no file system has that group")
        }
        guard record.planRevision == expectedRevision else { throw stale(record.planRevision) }
        try check(plan, for: GroupPurpose(record.kind), region: plan.home, keeping: record.plan, operation, record.label)
        record.plan = plan
        record.region = plan.home
        if record.writers == plan.home { record.writers = nil }
        record.planRevision += 1
        record.settledNodes = 0
        put(record)
        note(.moved, id, command, plan.statement)
        return .filesystem(record, created: false)
    }

    /// A settlement of a plan or of a set of nodes that is past changes nothing.
    mutating func settlePlacement(_ group: GroupID, plan: UInt64, nodes: UInt64, _ command: CatalogCommand) throws(CatalogError)
        -> CatalogOutcome
    {
        if group == .catalog {
            if plan <= catalogPlanRevision { catalogSettledPlan = max(catalogSettledPlan, plan) }
            return .done
        }
        guard let id = groups[group], filesystems[id] != nil else {
            throw CatalogError(.notFound, command.action.operation, group.description, "no file system has that group")
        }
        let newest = nodesRevision
        touches.note(group)
        _ = filesystems.update(id) { record in
            guard plan == record.planRevision, nodes <= newest else { return }
            record.settledPlan = plan
            record.settledNodes = max(record.settledNodes, nodes)
        }
        return .done
    }

    mutating func noteWriters(_ group: GroupID, _ region: RegionID, _ command: CatalogCommand) throws(CatalogError) -> CatalogOutcome {
        let operation = command.action.operation
        guard let id = groups[group], var record = filesystems[id], record.isActive else {
            throw CatalogError(.notFound, operation, group.description, "no file system has that group")
        }
        guard record.kind == .volume else {
            throw CatalogError(.refused, operation, record.label, "the leader of a network file system stays in its primary region")
        }
        guard regions.contains(region) else {
            throw CatalogError(.notFound, operation, record.label, "unknown region '\(CatalogName.shown(region.name))'")
        }
        let writers = region == record.region ? nil : region
        guard writers != record.writers else { return .done }
        record.writers = writers
        put(record)
        note(.moved, id, command, "leader preferred in \(region)")
        return .done
    }

    // MARK: Deleting

    mutating func deleteFilesystem(
        _ selector: FilesystemSelector, allowMissing: Bool, _ command: CatalogCommand
    ) throws(CatalogError) -> CatalogOutcome {
        do {
            let record = try find(selector, command.action.operation)
            return .filesystem(markDeleting(record, command), created: false)
        } catch {
            if allowMissing, error.code == .notFound { return .done }
            throw error
        }
    }

    /// Frees the name and takes the file system from its app.
    mutating func markDeleting(_ record: FilesystemRecord, _ command: CatalogCommand) -> FilesystemRecord {
        var record = record
        if let name = record.name { names[NameKey(environment: record.environment, name: name)] = nil }
        if let owner = record.owner { _ = apps.update(owner) { $0.filesystems.removeAll { $0 == record.id } } }
        record.state = .deleting(at: command.at, by: command.by)
        put(record)
        note(.deleted, record.id, command, owner: record.owner, record.name.map { "\(record.kind.noun) '\($0)'" } ?? "")
        return record
    }

    mutating func purgeFilesystem(_ id: FilesystemID, _ command: CatalogCommand) throws(CatalogError) -> CatalogOutcome {
        let operation = command.action.operation
        guard let record = filesystems[id] else { return .done }
        guard !record.isActive else {
            throw CatalogError(.refused, operation, id.description, "'\(record.label)' is not deleted", hint: "delete it first")
        }
        filesystems[id] = nil
        groups[record.group] = nil
        touches.note(record.group)
        note(.purged, id, command, owner: record.owner)
        return .done
    }
}

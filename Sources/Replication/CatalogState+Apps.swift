import Primitives

// Apps, their leases, and what ends with them.

extension CatalogState {
    mutating func runApp(_ command: CatalogCommand) throws(CatalogError) -> CatalogOutcome {
        switch command.action {
        case .createApp(let high, let low, let name, let about, let environment, let leaseSeconds, let tasks):
            let app = AppRecord(
                id: AppID(high: high, low: low), name: name, about: about, environment: environment, created: command.at,
                createdBy: command.by, leaseSeconds: leaseSeconds, leaseExpiry: command.at + .seconds(Int64(leaseSeconds)), tasks: tasks,
                state: .running, filesystems: [])
            return try createApp(app, command)
        case .heartbeatApp(let id, let tasks): return try heartbeatApp(id, tasks: tasks, command)
        case .stopApp(let selector, let reason): return try stopApp(selector, reason, command)
        case .expire: return expire(command)
        default: preconditionFailure("\(command.action.operation) is no command about apps")
        }
    }

    private mutating func createApp(_ app: AppRecord, _ command: CatalogCommand) throws(CatalogError) -> CatalogOutcome {
        let operation = command.action.operation
        try CatalogName.check(app: app.name, operation)
        try requireEnvironment(app.environment, operation)
        func fail(_ code: CatalogError.Code, _ cause: String) -> CatalogError { CatalogError(code, operation, "'\(app.name)'", cause) }
        guard AppRecord.leaseRange.contains(app.leaseSeconds) else {
            throw fail(
                .invalidArgument,
                "a lease of \(app.leaseSeconds) s is not within \(AppRecord.leaseRange.lowerBound) to \(AppRecord.leaseRange.upperBound)")
        }
        guard app.about.utf8.count <= AppRecord.maximumDescription else {
            throw fail(.invalidArgument, "the description is longer than \(AppRecord.maximumDescription) bytes")
        }
        guard !apps.contains(app.id) else { throw fail(.conflict, "the id \(app.id) is taken") }
        guard runningApps < CatalogLimits.runningApps else { throw fail(.exhausted, "\(runningApps) apps run, which is the limit") }
        apps[app.id] = app
        runningApps += 1
        note(.started, app.id, command, owner: app.id, app.name)
        return .app(app)
    }

    private mutating func heartbeatApp(_ id: AppID, tasks: UInt32, _ command: CatalogCommand) throws(CatalogError) -> CatalogOutcome {
        var app = try runningApp(.id(id), command.action.operation)
        app.leaseExpiry = max(app.leaseExpiry, command.at + .seconds(Int64(app.leaseSeconds)))
        app.tasks = tasks
        apps[id] = app
        return .app(app)
    }

    private mutating func stopApp(
        _ selector: AppSelector, _ reason: AppRecord.StopReason, _ command: CatalogCommand
    ) throws(CatalogError) -> CatalogOutcome {
        let app = try runningApp(selector, command.action.operation)
        let ended = end(app, reason, command)
        dropOldApps()
        return .ended(apps: [app.id], filesystems: ended)
    }

    /// Ends an app and marks what it owns; returns what it owned.
    private mutating func end(_ app: AppRecord, _ reason: AppRecord.StopReason, _ command: CatalogCommand) -> [FilesystemID] {
        let verb: CatalogEvent.Verb =
            switch reason {
            case .requested: .stopped
            case .expired: .expired
            case .finished: .finished
            }
        note(verb, app.id, command, owner: app.id, app.name)
        for id in app.filesystems {
            guard let record = filesystems[id] else { preconditionFailure("\(app.id) owns \(id), which is gone") }
            _ = markDeleting(record, command)
        }
        _ = apps.update(app.id) { app in
            app.state = .stopped(at: command.at, by: command.by, reason: reason)
            app.tasks = 0
        }
        runningApps -= 1
        return app.filesystems
    }

    private mutating func expire(_ command: CatalogCommand) -> CatalogOutcome {
        var ended: [AppID] = []
        var lost: [FilesystemID] = []
        for app in apps.values where app.isRunning && app.leaseExpiry <= command.at {
            lost += end(app, .expired, command)
            ended.append(app.id)
        }
        dropOldApps()
        for token in tokens.values {
            guard let over = [token.expiry, token.revoked].compactMap({ $0 }).min() else { continue }
            if over + CatalogLimits.tokenRetention <= command.at { forget(token) }
        }
        return .ended(apps: ended, filesystems: lost.sorted())
    }

    /// Keeps the list of stopped apps short: those that stopped first go.
    private mutating func dropOldApps() {
        let surplus = apps.count - runningApps - CatalogLimits.stoppedApps
        guard surplus > 0 else { return }
        var stopped: [(at: WallTime, id: AppID)] = []
        for (id, app) in apps {
            if case .stopped(let at, _, _) = app.state { stopped.append((at, id)) }
        }
        stopped.sort { ($0.at, $0.id) < ($1.at, $1.id) }
        for entry in stopped.prefix(surplus) { apps[entry.id] = nil }
    }

    // MARK: Finding

    /// The running app of a selector; told apart are: none such, stopped already, several of that name.
    func runningApp(_ selector: AppSelector, _ operation: String) throws(CatalogError) -> AppRecord {
        let found = candidates(selector)
        let running = found.filter(\.isRunning)
        if running.count == 1 { return running[0] }
        if running.count > 1 {
            throw CatalogError(
                .refused, operation, selector.description, "\(running.count) running apps have that name",
                hint: "use an id: \(running.prefix(8).map(\.id.description).joined(separator: ", "))")
        }
        guard let last = found.last, case .stopped(let at, let by, let reason) = last.state else {
            throw CatalogError(.notFound, operation, selector.description, "there is no such app", hint: "see `atoll app list`")
        }
        throw CatalogError(
            .refused, operation, selector.description,
            reason == .expired
                ? "the app ended at \(at.utcText), when its heartbeats had ceased"
                : "the app is already stopped (at \(at.utcText) by \(by))")
    }

    /// All apps that a selector may mean, in the order in which they ended.
    private func candidates(_ selector: AppSelector) -> [AppRecord] {
        switch selector {
        case .id(let id): return apps[id].map { [$0] } ?? []
        case .name(let name, let environment):
            func end(_ app: AppRecord) -> WallTime {
                if case .stopped(let at, _, _) = app.state { return at }
                return WallTime(nanoseconds: .max)
            }
            return apps.values.filter { $0.name == name && $0.environment == environment }.sorted { (end($0), $0.id) < (end($1), $1.id) }
        }
    }
}

# Installs the MSI, repairs it, tests the servers from a stick, and removes it.
# usage: tools/try_msi.ps1 C:\…\release     Fails with the first step that goes wrong. As an administrator, on a PC that is not in use.
param([Parameter(Mandatory)] [string] $Release)
$ErrorActionPreference = 'Stop'
Set-StrictMode -Version Latest

$program = Join-Path $env:ProgramFiles 'IEA Agent'
$package = (Get-Item (Join-Path $Release 'iea-agent-*.msi')).FullName

function Invoke-Installer([string[]] $Arguments) {
    $log = Join-Path $env:TEMP 'iea-agent-msi.log'
    $process = Start-Process msiexec @($Arguments; '/qn', '/norestart', '/l*v', $log) -PassThru -Wait
    if ($process.ExitCode -notin 0, 3010) { Get-Content $log -Tail 60; throw "msiexec $Arguments ended with $($process.ExitCode)" }
}

function Test-Version {
    & (Join-Path $program 'iea-agent.exe') version
    if ($LASTEXITCODE -ne 0) { throw 'the installed program does not run' }
}

Write-Output '== The test from a stick'
$test = Start-Process (Get-Item (Join-Path $Release 'iea-agent-test-*.exe')).FullName @('/S', '/AUTHENTICATION=https://localhost:1', '/UPDATES=https://localhost:1') -PassThru -Wait
if ($test.ExitCode -ne 1) { throw "the test ended with $($test.ExitCode)" }
if (Test-Path (Join-Path $env:LOCALAPPDATA 'IEA Agent')) { throw 'the test has left something' }

Write-Output '== Install'
Invoke-Installer @('/i', $package)
Test-Version
$version = (Get-Content (Join-Path $program 'current')).Trim()
if (-not (Get-ItemProperty 'HKLM:\Software\Microsoft\Windows\CurrentVersion\Run').'IEA Agent') { throw 'no autostart' }
icacls (Join-Path $env:ProgramData 'IEA Agent')

Write-Output '== Repair'
Remove-Item (Join-Path $program "$version\python313.zip")
Invoke-Installer @('/i', $package, 'REINSTALL=ALL', 'REINSTALLMODE=omus')
Test-Version

Write-Output '== Remove'
Invoke-Installer @('/x', $package)
if (Test-Path $program) { Get-ChildItem -Recurse $program; throw 'something is left' }
if ((Get-Item 'HKLM:\Software\Microsoft\Windows\CurrentVersion\Run').GetValue('IEA Agent')) { throw 'the autostart is left' }
Write-Output '== Well'

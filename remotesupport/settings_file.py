"""The whole of remotesupport.toml as one model. The sections are in settings_models and settings_alerts."""

from __future__ import annotations

from pydantic import Field

from remotesupport.settings_alerts import AlertsSettings, MonitoringSettings
from remotesupport.settings_models import (
    BellSettings,
    ExternalSettings,
    GuardSettings,
    KeepSettings,
    MainSettings,
    ScaleSettings,
    Section,
)


class FileSettings(Section):
    """The whole file."""

    main: MainSettings = Field(description="a [main] section")
    external: tuple[ExternalSettings, ...] = Field((), description="[[external]] sections")
    guard: GuardSettings = Field(GuardSettings(), description="a [guard] section")
    bell: BellSettings = Field(BellSettings(), description="a [bell] section")
    scale: ScaleSettings = Field(ScaleSettings(), description="a [scale] section")
    alerts: AlertsSettings = Field(AlertsSettings(), description="an [alerts] section")
    monitoring: MonitoringSettings = Field(MonitoringSettings(), description="a [monitoring] section")
    keep: KeepSettings = Field(KeepSettings(), description="a [keep] section")

"""Learned rankings, and who may look at them and steer them."""

import django.utils.timezone
from django.contrib.auth.management import create_permissions
from django.db import migrations, models


GROUPS = {
    "viewer": {"view_rankingversion"},
    "merchandiser": {"view_rankingversion"},
    "administrator": {"view_rankingversion", "change_rankingversion"},
}


def extend_groups(apps, schema_editor):
    # On a fresh database the permissions are made only after the last migration; see catalog's 0003_groups.
    config = apps.get_app_config("search")
    config.models_module = True
    create_permissions(config, verbosity=0, apps=apps, using=schema_editor.connection.alias)
    config.models_module = None
    Group, Permission = apps.get_model("auth", "Group"), apps.get_model("auth", "Permission")
    known = {each.codename: each for each in Permission.objects.filter(content_type__app_label="search")}
    for name, wanted in GROUPS.items():
        group, _ = Group.objects.get_or_create(name=name)
        group.permissions.add(*(known[codename] for codename in sorted(wanted)))


class Migration(migrations.Migration):

    dependencies = [
        ('search', '0003_search_log'),
        ('catalog', '0003_groups'),
        ('auth', '0012_alter_user_first_name_max_length'),
        ('contenttypes', '0002_remove_content_type_name'),
    ]

    operations = [
        migrations.CreateModel(
            name='RankingVersion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('fusion', 'Fusion weights'), ('ranker', 'Ranker')], max_length=6)),
                ('weights', models.JSONField(blank=True, default=dict, help_text='Of a fusion')),
                ('model', models.TextField(blank=True, help_text="Of a ranker: LightGBM's text format")),
                ('features', models.JSONField(blank=True, default=list, help_text='Of a ranker: the names that it was trained with')),
                ('source', models.CharField(help_text='What it was trained on', max_length=200)),
                ('report', models.JSONField(default=dict, help_text='On queries that were held out, beside what was live then')),
                ('better', models.BooleanField(default=False, help_text='Whether the interval of the difference lies above zero')),
                ('note', models.CharField(blank=True, help_text='Why it was published, or why not', max_length=300)),
                ('live', models.BooleanField(default=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('published_at', models.DateTimeField(blank=True, null=True)),
            ],
            options={
                'ordering': ['-id'],
                'constraints': [models.UniqueConstraint(condition=models.Q(('live', True)), fields=('kind',), name='ranking_version_one_live_per_kind'), models.CheckConstraint(condition=models.Q(('kind__in', ['fusion', 'ranker'])), name='ranking_version_kind_known')],
            },
        ),
        migrations.RunPython(extend_groups, migrations.RunPython.noop),
    ]
